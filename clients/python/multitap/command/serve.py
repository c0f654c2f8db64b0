"""`multitap serve`: start a server on this machine."""

import os
from pathlib import Path
from typing import Annotated

import typer

from .failures import CommandError, extra


def serve(
    *,
    registry: Annotated[
        Path | None,
        typer.Option("--registry", help="Folder of tasks. (default: ~/.multitap/registry)"),
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option("--backbone", help="`embedded`, a folder, or a hub id. (default: embedded)"),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on. (default: 127.0.0.1)")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port; 0 takes a free one. (default: 8000)")
    ] = None,
) -> None:
    """Serve the tasks of a registry; settings not given come from MULTITAP_* variables."""
    with extra("server"):
        from multitap_server.serving import serve as run_server  # noqa: PLC0415

        from multitap_server.config import ServerConfig  # noqa: PLC0415 (an extra)
        from multitap_server.errors import ConfigError  # noqa: PLC0415
    overrides = {"registry": registry, "backbone": backbone, "host": host, "port": port}
    try:
        run_server(ServerConfig.read(os.environ, overrides))
    except ConfigError as error:
        raise CommandError(str(error)) from error
