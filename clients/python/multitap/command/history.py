"""`multitap history`: where an alias has been."""

from typing import TYPE_CHECKING

from rich.table import Table

from .connecting import open_client
from .console import show, table, to_json, write_json
from .options import DEFAULT_URL, LIVE, Alias, Json, TaskArgument, Url
from .wording import local_time, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multitap import AliasMove


def history(
    task: TaskArgument,
    *,
    alias: Alias = LIVE,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Show every move of an alias, oldest first."""
    with open_client(url) as client:
        moves = client.history(task, alias)
    if json:
        documents = [each.model_dump(mode="json", exclude_unset=True) for each in moves]
        write_json(to_json({"history": documents}))
    else:
        show(_table(moves))


def _table(moves: "Sequence[AliasMove]") -> Table:
    rows = table("move", "what", "from", "to", "at", "by", "reason", right=["move", "from", "to"])
    for each in moves:
        rows.add_row(
            str(each.move),
            _what(each),
            _place(each.origin),
            _place(each.target),
            local_time(each.at),
            one_line(each.by),
            one_line(each.reason or ""),
        )
    return rows


def _what(move: "AliasMove") -> str:
    if move.target is None:
        return "deleted"
    if move.rollback:
        return "rolled back"
    return "made" if move.origin is None else "moved"


def _place(version: int | None) -> str:
    return "-" if version is None else str(version)
