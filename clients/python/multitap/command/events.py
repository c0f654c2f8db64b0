"""`multitap events`: what happened, and what happens."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from .connecting import open_client
from .console import show, table, write_json
from .failures import UsageError
from .options import DEFAULT_URL, Json, Url
from .wording import local_time, one_line

if TYPE_CHECKING:
    from multitap import Client, Event, EventList


def events(
    *,
    after: Annotated[
        int | None,
        typer.Option("--after", min=0, help="Begin behind this event. (default: the newest ones)"),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=1_000, help="At most so many events.")
    ] = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")
    ] = False,
    url: Url = DEFAULT_URL,
    json: Json = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Print one JSON document an event, as they come.")
    ] = False,
) -> None:
    """Show what was published, moved, tagged and deleted."""
    if json and jsonl:
        raise UsageError("--json and --jsonl exclude each other")
    if json and follow:
        raise UsageError("--follow has no end: take --jsonl in place of --json")
    with open_client(url) as client:
        if after is None:
            after = max(0, client.events(limit=1).last - limit)
        if follow:
            _follow(client, after, jsonl=jsonl)
        else:
            _show(client.events(after=after, limit=limit), json=json, jsonl=jsonl)


def _follow(client: "Client", after: int, *, jsonl: bool) -> None:
    for event in client.follow(after=after):
        if jsonl:
            write_json(event.model_dump_json(exclude_unset=True))
        else:
            at = local_time(event.at)
            show(f"{event.seq:>6}  {at}  {event.type:<18}{_what(event)}  by {one_line(event.by)}")
            sys.stdout.flush()


def _show(page: "EventList", *, json: bool, jsonl: bool) -> None:
    if json:
        write_json(page.model_dump_json(exclude_unset=True))
    elif jsonl:
        for event in page.events:
            write_json(event.model_dump_json(exclude_unset=True))
    elif page.events:
        show(_table(page))
    else:
        show("no events")


def _table(page: "EventList") -> Table:
    rows = table("event", "at", "type", "what", "by", right=["event"])
    for each in page.events:
        rows.add_row(str(each.seq), local_time(each.at), each.type, _what(each), one_line(each.by))
    return rows


def _what(event: "Event") -> str:
    if event.alias is None:
        return event.task if event.version is None else f"{event.task}@{event.version}"
    target = "" if event.version is None else f" → {event.version}"
    return f"{event.task}@{event.alias}{target}"
