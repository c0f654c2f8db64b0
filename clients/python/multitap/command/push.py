"""`multitap push`: publish an adapter file."""

from pathlib import Path
from typing import Annotated

import typer

from .connecting import open_client
from .console import facts, show, write_json
from .options import DEFAULT_URL, Json, TaskArgument, Url
from .wording import size


def push(
    task: TaskArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The adapter file.")],
    *,
    alias: Annotated[
        str | None, typer.Option("--alias", help="Point this alias at the version.")
    ] = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Publish an adapter file as a new version of a task."""
    from .progress import byte_progress  # noqa: PLC0415 (late: --help stays fast)

    with open_client(url) as client:
        with byte_progress(f"pushing {file.name}") as advance:
            publication = client.push(task, file, alias=alias, progress=advance)
        record = publication.record
        if json:
            write_json(record.model_dump_json(exclude_unset=True))
            return
        live = client.task(task).live
    verb = "published" if publication.created else "these bytes were there already:"
    rows = {"digest": record.digest, "size": size(record.size_bytes), "kind": record.kind}
    rows["live"] = "nothing" if live is None else f"{record.task}@{live}"
    if record.aliases:
        rows["aliases"] = ", ".join(record.aliases)
    if not record.servable:
        rows["servable"] = "no: made for another backbone than this server's"
    show(f"{verb} {record.task}@{record.version}", facts(rows))
