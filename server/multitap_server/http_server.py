"""The web server around the application: it says where it listens, and stops without a loss."""

import asyncio
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import uvicorn
from fastapi import FastAPI

from .config import ServerConfig
from .guards.leaving import Leaving

# How long clients have to use a connection once more, and so to learn that it ends.
_LEAVE_S: Final = 1.0
_LEAVE_POLL_S: Final = 0.02


class HttpServer(uvicorn.Server):
    """A server that says where it listens once it does, and loses no request when it stops."""

    def __init__(self, config: ServerConfig, app: FastAPI, on_ready: Callable[[str], None]) -> None:
        self._leaving = Leaving(app)
        super().__init__(
            uvicorn.Config(
                self._leaving,
                host=config.host,
                port=config.port,
                access_log=False,
                log_config=None,
                lifespan="on",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=int(config.drain_s) + 1,
                timeout_keep_alive=int(config.keep_alive_s) + 1,
                ws="none",
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Bind, then report the address."""
        await super().startup(sockets)
        if self.started:
            self._on_ready(self.url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connection, let clients leave theirs, then answer what still runs.

        The server below would close each connection that is between two requests at once, and with
        it the request that is on its way there.
        """
        self._leaving.started.set()
        for server in self.servers:
            while any(map(_is_waited_for, server.sockets)):  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0)
            server.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_S):
                while self.server_state.connections:  # noqa: ASYNC110 (nothing tells)
                    await asyncio.sleep(_LEAVE_POLL_S)
        await super().shutdown(sockets)

    @property
    def url(self) -> str:
        """The base URL, with the port that was bound."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_waited_for(listener: socket.socket) -> bool:
    """Return whether a connection waits to be accepted; closing now would reset it."""
    with selectors.DefaultSelector() as selector:
        selector.register(listener.fileno(), selectors.EVENT_READ)
        return bool(selector.select(timeout=0))
