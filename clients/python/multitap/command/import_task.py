"""`multitap import-task`: make a task of a folder that `export-task` wrote."""

import getpass
import os
from pathlib import Path
from typing import Annotated

import typer

from .failures import extra
from .options import Json, Reason
from .registry_place import BlobsUrl, DatabaseUrl, RegistryFolder


def import_task(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to import.")],
    *,
    name: Annotated[
        str | None, typer.Option("--as", help="The task's name here (default: the folder's).")
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="Who imports it (default: your login name).")
    ] = None,
    reason: Reason = None,
    registry: RegistryFolder = None,
    database: DatabaseUrl = None,
    blobs: BlobsUrl = None,
    json: Json = False,
) -> None:
    """Make a task of a folder, with the numbers, times, names and history that it had elsewhere."""
    with extra("server"):
        from .copying_run import run_import_task  # noqa: PLC0415 (an extra: SQLAlchemy)
    who = _login_name() if by is None else by
    run_import_task(folder, registry, database, blobs, name=name, by=who, reason=reason, json=json)


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"user {os.getuid()}"
