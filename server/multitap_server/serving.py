"""A running server: opened from the inside out, drained and closed in the other order."""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Final, TypeAlias

from multitap_registry.contract import Registry
from multitap_registry.folder import open_registry

from .app import create_app
from .config import ServerConfig
from .engine.contract import Engine
from .errors import ConfigError
from .http_server import HttpServer
from .resumable import session_limits

EngineOpener: TypeAlias = Callable[[ServerConfig, Registry], AbstractAsyncContextManager[Engine]]

_LOG: Final = logging.getLogger("multitap.server")
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(message)s"


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
            blobs=config.blobs,
            max_upload_bytes=config.upload_bytes,
            sessions=session_limits(config),
        ) as registry,
        # Other servers change a shared database, and commands of care a folder's own.
        registry.follow(),
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
