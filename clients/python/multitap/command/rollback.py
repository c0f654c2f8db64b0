"""`multitap rollback`: move an alias back to where it was before."""

from .connecting import open_client
from .console import show, write_json
from .expectation import parse_expected
from .options import DEFAULT_URL, LIVE, Alias, Expected, Json, Reason, TaskArgument, Url


def rollback(
    task: TaskArgument,
    *,
    alias: Alias = LIVE,
    expected: Expected = None,
    reason: Reason = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Move an alias back to its last earlier version; once more goes back one further."""
    place = parse_expected(expected)
    with open_client(url) as client:
        record = client.rollback(task, alias, expected=place, reason=reason)
    if json:
        write_json(record.model_dump_json(exclude_unset=True))
    else:
        show(f"{record.task}@{alias} is back at version {record.version}")
