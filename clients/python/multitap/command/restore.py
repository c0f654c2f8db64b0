"""`multitap restore`: make an empty registry hold what a backup holds."""

from pathlib import Path
from typing import Annotated

import typer

from .failures import extra
from .options import Json
from .registry_place import BlobsUrl, DatabaseUrl, RegistryFolder


def restore(
    backup: Annotated[Path, typer.Argument(metavar="DIR", help="The backup.")],
    *,
    registry: RegistryFolder = None,
    database: DatabaseUrl = None,
    blobs: BlobsUrl = None,
    json: Json = False,
) -> None:
    """Check a backup, and copy it into an empty registry that nobody serves."""
    with extra("server"):
        from .copying_run import run_restore  # noqa: PLC0415 (an extra: SQLAlchemy)
    run_restore(backup, registry, database, blobs, json=json)
