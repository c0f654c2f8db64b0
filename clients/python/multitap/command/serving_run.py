"""One server from its settings to its end; imports torch, so it is imported late."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from multitap_adapters.errors import AdapterError
from multitap_adapters.model_folder import find_model_folder
from multitap_registry.contract import Registry
from multitap_registry.errors import RegistryError
from multitap_server.config import ServerConfig
from multitap_server.engine.errors import EngineError
from multitap_server.engine.mixed_engine import MixedEngine
from multitap_server.engine.opening import build_engine, running
from multitap_server.engine.settings import EngineSettings
from multitap_server.errors import ConfigError
from multitap_server.serving import configure_logging, serve

from .failures import CommandError


def run_server(
    environ: Mapping[str, str], overrides: Mapping[str, object], *, threads: int
) -> None:
    """Serve until a signal ends it.

    Raises:
        CommandError: a setting, the registry, the backbone or the address cannot be used.
    """
    settings = EngineSettings(threads=threads)

    @asynccontextmanager
    async def open_engine(config: ServerConfig, registry: Registry) -> AsyncGenerator[MixedEngine]:
        folder = await asyncio.to_thread(find_model_folder, config.backbone)
        engine = await asyncio.to_thread(build_engine, folder, registry.read_blob, settings)
        async with running(engine):
            yield engine

    host, port = "", 0
    try:
        config = ServerConfig.read(environ, overrides)
        host, port = config.host, config.port
        configure_logging()
        serve(config, open_engine, on_ready=announce)
    except (ConfigError, RegistryError, EngineError, AdapterError) as error:
        raise CommandError(str(error)) from error
    except SystemExit as error:  # what the web server does where it cannot listen; its log says why
        message = f"cannot listen on {host} port {port}"
        raise CommandError(message) from error


def announce(url: str) -> None:
    """Say where the server listens, in one line that programs can read."""
    sys.stdout.write(f"multitap serves at {url} (Ctrl-C stops it)\n")
    sys.stdout.flush()
