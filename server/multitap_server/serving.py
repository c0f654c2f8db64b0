"""A running server: opened from the inside out, drained and closed in the other order."""

import asyncio
import logging
import selectors
import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext, suppress
from typing import Final, TypeAlias

import uvicorn
from fastapi import FastAPI

from multitap_registry.contract import Registry
from multitap_registry.folder import open_registry

from .app import create_app
from .config import ServerConfig
from .engine.contract import Engine
from .errors import ConfigError
from .guards.leaving import Leaving

EngineOpener: TypeAlias = Callable[[ServerConfig, Registry], AbstractAsyncContextManager[Engine]]

_LOG: Final = logging.getLogger("multitap.server")
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
# How long clients have to use a connection once more, and so to learn that it ends.
_LEAVE_S: Final = 1.0
_LEAVE_POLL_S: Final = 0.02
_LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(message)s"


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
        self._leaving.started = True
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


def serve(
    config: ServerConfig,
    open_engine: EngineOpener,
    *,
    on_ready: Callable[[str], None],
) -> None:
    """Serve until SIGINT or SIGTERM, then answer what is running and close.

    `on_ready` gets the base URL once connections are taken.

    Raises:
        ConfigError: the host is not loopback, and that was not allowed.
        RegistryError, EngineError, OSError: something could not be opened.
        SystemExit: the address could not be bound.
    """
    require_loopback(config)
    with (
        open_registry(
            config.registry,
            database=config.database_url,
            max_upload_bytes=config.upload_bytes,
        ) as registry,
        # Nobody else changes a database in a locked folder.
        nullcontext() if config.database is None else registry.follow(),
        asyncio.Runner(loop_factory=_loop) as runner,
    ):
        runner.run(_serve(config, registry, open_engine, on_ready))


async def _serve(
    config: ServerConfig,
    registry: Registry,
    open_engine: EngineOpener,
    on_ready: Callable[[str], None],
) -> None:
    async with open_engine(config, registry) as engine:
        server = HttpServer(config, create_app(config, registry, engine), on_ready)
        with _signals_end_quietly():
            await server.serve()


def require_loopback(config: ServerConfig) -> None:
    """Return for a loopback address, or where the operator chose otherwise. Raises: ConfigError."""
    if not config.beyond_loopback:
        return
    if not config.allow_unauthenticated:
        message = (
            f"host {config.host!r} is not loopback, and there are no keys: only "
            "--allow-unauthenticated listens there"
        )
        raise ConfigError(message)
    _LOG.warning(
        "NO AUTHENTICATION: whoever reaches %s port %d may predict, publish, promote and delete",
        config.host,
        config.port,
    )


def configure_logging(level: int = logging.INFO) -> None:
    """Send the server's own log to standard error; called by the process that serves."""
    logging.basicConfig(level=level, format=_LOG_FORMAT)


def _is_waited_for(listener: socket.socket) -> bool:
    """Return whether a connection waits to be accepted; closing now would reset it."""
    with selectors.DefaultSelector() as selector:
        selector.register(listener.fileno(), selectors.EVENT_READ)
        return bool(selector.select(timeout=0))


@contextmanager
def _signals_end_quietly() -> Generator[None]:
    """Keep the process alive after the server stopped by a signal, so that all is closed.

    The server handles the signals while it runs and raises them once more when it has stopped;
    SIGTERM would end the process there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's event loop where it is installed, which is everywhere but on Windows."""
    try:
        import uvloop  # noqa: PLC0415 (an optional part)
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
