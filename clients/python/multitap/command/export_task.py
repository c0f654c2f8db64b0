"""`multitap export-task`: write one task with its history as a folder."""

from pathlib import Path
from typing import Annotated

import typer

from .failures import extra
from .options import Json, TaskArgument
from .registry_place import BlobsUrl, DatabaseUrl, RegistryFolder


def export_task(
    task: TaskArgument,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
    *,
    registry: RegistryFolder = None,
    database: DatabaseUrl = None,
    blobs: BlobsUrl = None,
    json: Json = False,
) -> None:
    """Write a task with all of its versions and its history as a new folder."""
    with extra("server"):
        from .copying_run import run_export_task  # noqa: PLC0415 (an extra: SQLAlchemy)
    run_export_task(task, folder, registry, database, blobs, json=json)
