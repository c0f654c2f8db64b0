"""One server from its settings to its end; imports torch, so it is imported late."""

import sys
from collections.abc import Mapping

from multitap_adapters.errors import AdapterError
from multitap_adapters.file import AdapterFileError
from multitap_registry.errors import RegistryError
from multitap_server.assembly import open_engine
from multitap_server.config import ServerConfig
from multitap_server.engine.errors import EngineError
from multitap_server.errors import ConfigError
from multitap_server.serving import configure_logging, serve

from .failures import CommandError


def run_server(environ: Mapping[str, str], overrides: Mapping[str, object]) -> None:
    """Serve until a signal ends it.

    Raises:
        CommandError: a setting, the registry, the backbone or the address cannot be used.
    """
    try:
        config = ServerConfig.read(environ, overrides)
    except ConfigError as error:
        raise CommandError(str(error)) from error
    configure_logging()
    try:
        serve(config, open_engine, on_ready=announce)
    except (ConfigError, RegistryError, EngineError, AdapterError, AdapterFileError) as error:
        raise CommandError(str(error)) from error
    except SystemExit as error:  # how the web server ends where it cannot listen; its log says why
        message = f"cannot listen on {config.host} port {config.port}"
        raise CommandError(message) from error


def announce(url: str) -> None:
    """Say where the server listens, in one line that programs can read."""
    sys.stdout.write(f"multitap serves at {url} (Ctrl-C stops it)\n")
    sys.stdout.flush()
