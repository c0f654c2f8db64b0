"""A TCP proxy on loopback whose connections the test resets, and whose target it can change."""

import asyncio
import socket
import struct
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: a close sends RST, and no byte more
_CHUNK_BYTES = 64 * 1024


class TcpProxy:
    """Forwards connections to a port of loopback; its methods are for other threads."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.url = ""
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Reset every connection, on both sides, before this returns."""
        done = threading.Event()

        def reset() -> None:
            for writer in list(self._writers):
                connection: socket.socket = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort()
            # The sockets are closed in the loop's next round.
            self._loop.call_soon(self._loop.call_soon, done.set)

        self._loop.call_soon_threadsafe(reset)
        done.wait()

    def run(self, listening: socket.socket, stopped: threading.Event) -> None:
        """Serve on a socket that listens, until the loop is stopped."""
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._forward, sock=listening))
        self._loop.run_until_complete(self._loop.run_in_executor(None, stopped.wait))
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, far_writer}
        try:
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            self._writers -= {writer, far_writer}
            writer.close()
            far_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    with suppress(OSError):
        writer.close()


@contextmanager
def tcp_proxy(url: str) -> Generator[TcpProxy]:
    """Run a proxy to a server."""
    proxy = TcpProxy(int(url.rpartition(":")[2]))
    stopped = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))
    proxy.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    thread = threading.Thread(target=proxy.run, args=(listening, stopped))
    thread.start()
    try:
        yield proxy
    finally:
        stopped.set()
        thread.join()
