"""`multitap tag`: give a version tags, and take others away."""

from typing import Annotated

import typer

from .connecting import open_client
from .console import show, write_json
from .failures import UsageError
from .options import DEFAULT_URL, Json, ReferenceArgument, Url


def tag(
    reference: ReferenceArgument,
    *,
    add: Annotated[
        list[str] | None, typer.Option("--add", "-a", help="A tag to give; can be repeated.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", "-r", help="A tag to take; can be repeated.")
    ] = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Give a version tags, and take others away."""
    if not add and not remove:
        raise UsageError("nothing to do: give --add TAG or --remove TAG")
    with open_client(url) as client:
        record = client.resolve(reference)
        for each in remove or ():
            record = client.untag(record.task, record.version, each)
        for each in add or ():
            record = client.tag(record.task, record.version, each)
    if json:
        write_json(record.model_dump_json(exclude_unset=True))
    else:
        show(f"{record.task}@{record.version} has {', '.join(record.tags) or 'no tags'}")
