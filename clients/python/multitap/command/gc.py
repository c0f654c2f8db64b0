"""`multitap gc`: delete old versions by a rule, and remove files that no version needs."""

from typing import Annotated

import typer

from .duration import parse_duration
from .failures import UsageError, extra
from .gc_request import GcRequest
from .options import Json
from .registry_place import BlobsUrl, DatabaseUrl, RegistryFolder


def gc(
    *,
    keep: Annotated[
        int | None,
        typer.Option("--keep", min=1, help="Delete versions beyond the newest N of each task."),
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", help="Delete versions older than this, such as 30d."),
    ] = None,
    spare_tag: Annotated[
        list[str] | None,
        typer.Option("--spare-tag", help="Never delete versions with this tag; may be repeated."),
    ] = None,
    grace: Annotated[
        str, typer.Option("--grace", help="Leave files that were stored within this time.")
    ] = "24h",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do it, rather than to show it.")
    ] = False,
    registry: RegistryFolder = None,
    database: DatabaseUrl = None,
    blobs: BlobsUrl = None,
    json: Json = False,
) -> None:
    """Show which adapter files and versions are not needed any more, and remove them with --yes.

    Without --keep and --older-than no version is deleted; with both, only what both let go.
    """
    if spare_tag and keep is None and older_than is None:
        raise UsageError("--spare-tag needs --keep or --older-than")
    request = GcRequest(
        keep=keep,
        older_than=None if older_than is None else parse_duration(older_than, "--older-than"),
        spared_tags=frozenset(spare_tag or ()),
        grace=parse_duration(grace, "--grace"),
        yes=yes,
    )
    with extra("server"):
        from .gc_run import run_gc  # noqa: PLC0415 (an extra: SQLAlchemy)
    run_gc(registry, database, blobs, request, json=json)
