"""`multitap promote`: point an alias at a version."""

from typing import Annotated

import typer

from .connecting import open_client
from .console import show, write_json
from .expectation import parse_expected
from .options import DEFAULT_URL, LIVE, Expected, Json, Reason, ReferenceArgument, Url


def promote(
    reference: ReferenceArgument,
    *,
    to: Annotated[str, typer.Option("--to", help="The alias that moves there.")] = LIVE,
    expected: Expected = None,
    reason: Reason = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Point an alias at a version; predictions without a version use `live`."""
    place = parse_expected(expected)
    with open_client(url) as client:
        chosen = client.resolve(reference)
        record = client.point(chosen.task, to, chosen.version, expected=place, reason=reason)
    if json:
        write_json(record.model_dump_json(exclude_unset=True))
    else:
        show(f"{record.task}@{to} is version {record.version} now")
