"""`multitap pull`: fetch a version's adapter file."""

from pathlib import Path
from typing import Annotated

import typer

from .connecting import open_client
from .console import facts, show, write_json
from .options import DEFAULT_URL, Json, ReferenceArgument, Url
from .train import require_free
from .wording import size


def pull(
    reference: ReferenceArgument,
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The file to write.", show_default=False)
    ],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Fetch a version's adapter file, checked against its digest."""
    from .progress import byte_progress  # noqa: PLC0415 (late: --help stays fast)

    require_free(out, overwrite=overwrite)
    with open_client(url) as client, byte_progress(f"pulling {reference}") as advance:
        record = client.pull(reference, out, progress=advance)
    if json:
        write_json(record.model_dump_json(exclude_unset=True))
        return
    rows = {"file": f"{out}, {size(record.size_bytes)}", "digest": record.digest}
    show(f"pulled {record.task}@{record.version}", facts(rows))
