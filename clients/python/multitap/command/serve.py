"""`multitap serve`: start a server on this machine."""

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import typer

from .failures import extra
from .registry_place import BlobsUrl, DatabaseUrl, RegistryFolder


def serve(
    *,
    registry: RegistryFolder = None,
    database: DatabaseUrl = None,
    blobs: BlobsUrl = None,
    backbone: Annotated[
        str | None,
        typer.Option("--backbone", help="`embedded`, a folder, or a hub id (default: embedded)."),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on (default: 127.0.0.1).")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port; 0 takes a free one (default: 8000).")
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Processor threads (default: all).")
    ] = None,
    allow_unauthenticated: Annotated[
        bool,
        typer.Option("--allow-unauthenticated", help="Listen beyond loopback, without keys."),
    ] = False,
    no_starter: Annotated[
        bool, typer.Option("--no-starter", help="Leave an empty registry empty.")
    ] = False,
) -> None:
    """Serve the tasks of a registry; other settings come from MULTITAP_* variables."""
    overrides = {
        "registry": registry,
        "database": database,
        "blobs": blobs,
        "backbone": backbone,
        "host": host,
        "port": port,
        "threads": threads,
        "allow_unauthenticated": True if allow_unauthenticated else None,
        "starter": False if no_starter else None,
    }
    with _stopped_by_sigterm():
        with extra("server"):
            from .serving_run import run_server  # noqa: PLC0415 (an extra: torch and a web server)
        run_server(os.environ, overrides)


@contextmanager
def _stopped_by_sigterm() -> Generator[None]:
    """Let SIGTERM do what Ctrl-C does until the server has handlers of its own.

    Without one, a container's first process is never ended by it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
