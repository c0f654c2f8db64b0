"""`multitap verify`: check that a registry is whole."""

from typing import Annotated

import typer

from .failures import extra
from .options import Json
from .registry_place import BlobsUrl, DatabaseUrl, RegistryFolder


def verify(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Move damaged adapter files aside, and nothing else.")
    ] = False,
    registry: RegistryFolder = None,
    database: DatabaseUrl = None,
    blobs: BlobsUrl = None,
    json: Json = False,
) -> None:
    """Check a registry's logs, versions, aliases and adapter files, beside its server or without.

    The exit code is 1 where something is wrong.
    """
    with extra("server"):
        from .verifying_run import run_verify  # noqa: PLC0415 (an extra: SQLAlchemy)
    if not run_verify(registry, database, blobs, repair=repair, json=json):
        raise typer.Exit(1)
