"""`multitap backup`: copy a whole registry while it is served."""

from pathlib import Path
from typing import Annotated

import typer

from .failures import extra
from .options import Json
from .registry_place import BlobsUrl, DatabaseUrl, RegistryFolder


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
    *,
    registry: RegistryFolder = None,
    database: DatabaseUrl = None,
    blobs: BlobsUrl = None,
    json: Json = False,
) -> None:
    """Copy a registry into a new folder, beside its server; the folder is a registry itself."""
    with extra("server"):
        from .copying_run import run_backup  # noqa: PLC0415 (an extra: SQLAlchemy)
    run_backup(folder, registry, database, blobs, json=json)
