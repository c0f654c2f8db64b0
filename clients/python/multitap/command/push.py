"""`multitap push`: publish an adapter file, or a folder of another library."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import import_options as option
from .connecting import open_client
from .console import facts, show, write_json
from .failures import UsageError, extra
from .import_request import ImportRequest, split_labels
from .options import DEFAULT_URL, Json, TaskArgument, Url
from .wording import size

if TYPE_CHECKING:
    from multitap import Publication


def push(
    task: TaskArgument,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The adapter file, or a folder as for import."),
    ],
    *,
    alias: Annotated[
        str | None, typer.Option("--alias", help="Point this alias at the version.")
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            "--backbone",
            help="For a folder: `embedded`, a local folder, or a hub id.",
            show_default=False,
        ),
    ] = None,
    stack: option.Stack = None,
    labels: option.Labels = None,
    head: option.HeadName = None,
    multilabel: option.Multilabel = False,
    no_head: option.NoHead = False,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Publish an adapter file, or a folder as for import, as a new version of a task."""
    from .progress import byte_progress  # noqa: PLC0415 (late: --help stays fast)

    request = ImportRequest(
        folder=file,
        backbone=backbone or "",
        language=stack,
        labels=split_labels(labels),
        head=head,
        multilabel=multilabel,
        no_head=no_head,
        name=task,
    )
    source = _source(request)
    with open_client(url) as client:
        with byte_progress(f"pushing {file.name}") as advance:
            publication = client.push(task, source, alias=alias, progress=advance)
        if json:
            write_json(publication.record.model_dump_json(exclude_unset=True))
            return
        _show(publication, client.task(task).live)


def _show(publication: "Publication", live: int | None) -> None:
    record = publication.record
    verb = "published" if publication.created else "these bytes were there already:"
    rows = {"digest": record.digest, "size": size(record.size_bytes), "kind": record.kind}
    rows["live"] = "nothing" if live is None else f"{record.task}@{live}"
    if record.aliases:
        rows["aliases"] = ", ".join(record.aliases)
    if not record.servable:
        rows["servable"] = "no: made for another backbone than this server's"
    show(f"{verb} {record.task}@{record.version}", facts(rows))


def _source(request: ImportRequest) -> Path | bytes:
    """Return the file, or what a folder gives. Raises: CommandError, UsageError."""
    path = request.folder
    if not path.is_dir():
        if not request.is_plain:
            raise UsageError(f"{path} is no folder: only a folder takes options of import")
        return path
    if not request.backbone:
        raise UsageError(f"{path} is a folder: --backbone must say what it was trained on")
    with extra("server"):
        from .importing_run import import_request  # noqa: PLC0415 (an extra: torch)
    return import_request(request).data
