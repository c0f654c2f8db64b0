"""`multitap tasks`: what the server has."""

from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

import typer
from rich.table import Table

from .connecting import open_client
from .console import facts, show, table, to_json, write_json
from .failures import UsageError
from .options import DEFAULT_URL, Json, Url
from .wording import local_time, one_line, short_digest, shorten_list, size

if TYPE_CHECKING:
    from multitap import Client, Task, Version

_LABELS_WIDTH = 40
# As the wire has them, which is imported late: --help stays fast.
Kind = Literal[
    "classification", "multilabel", "regression", "tagging", "question_answering", "embedding"
]


class Conditions(TypedDict):
    """Which tasks are listed, besides their tags."""

    kind: Kind | None
    query: str
    label: str | None
    language: str | None
    licence: str | None
    text: str | None


def tasks(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show this task and its versions.")
    ] = None,
    *,
    query: Annotated[
        str | None, typer.Option("--query", "-q", help="Only names with this part.")
    ] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only tasks of this kind.")] = None,
    label: Annotated[
        str | None, typer.Option("--label", help="Only tasks with this label.")
    ] = None,
    tag: Annotated[
        str | None, typer.Option("--tag", help="Only tasks, or versions, with this tag.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="Only tasks whose card has this language.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", help="Only licences with this part.")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", help="Only cards that speak of this.")
    ] = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """List the tasks, or one task with its versions."""
    conditions: Conditions = {
        "kind": kind,
        "query": query or "",
        "label": label,
        "language": language,
        "licence": licence,
        "text": text,
    }
    if name is not None and any(conditions.values()):
        raise UsageError("of the conditions only --tag goes with NAME")
    with open_client(url) as client:
        if name is not None:
            _show_one(client, name, tag, json=json)
            return
        listed = list(client.tasks(tag=tag, **conditions))
    is_filtered = tag is not None or any(conditions.values())
    _show_all(listed, json=json, is_filtered=is_filtered)


def _show_all(listed: "list[Task]", *, json: bool, is_filtered: bool) -> None:
    if json:
        documents = [each.model_dump(mode="json", exclude_unset=True) for each in listed]
        write_json(to_json({"tasks": documents, "next": None}))
    elif listed:
        show(_tasks_table(listed))
    elif is_filtered:
        show("no such tasks")
    else:
        show("no tasks yet; publish one with: multitap push TASK FILE")


def _show_one(client: "Client", name: str, tag: str | None, *, json: bool) -> None:
    record = client.task(name)
    versions = list(client.versions(name, tag=tag))
    if json:
        document = {
            "task": record.model_dump(mode="json", exclude_unset=True),
            "versions": [each.model_dump(mode="json", exclude_unset=True) for each in versions],
        }
        write_json(to_json(document))
        return
    show(facts(_task_facts(record)), "", _versions_table(versions))


def _tasks_table(listed: "list[Task]") -> Table:
    rows = table("task", "kind", "labels", "live", "versions", "servable", "updated")
    for each in listed:
        rows.add_row(
            each.task,
            each.kind,
            shorten_list(each.labels, _LABELS_WIDTH),
            _number(each.live),
            str(each.versions),
            _yes(each.servable),
            local_time(each.updated_at),
        )
    return rows


def _versions_table(versions: "list[Version]") -> Table:
    rows = table("version", "digest", "size", "aliases", "tags", "servable", "created", "by")
    for each in versions:
        rows.add_row(
            str(each.version),
            short_digest(each.digest),
            size(each.size_bytes),
            ", ".join(each.aliases),
            ", ".join(each.tags),
            _yes(each.servable),
            local_time(each.created_at),
            one_line(each.created_by),
        )
    return rows


def _task_facts(record: "Task") -> dict[str, str]:
    return {
        "task": record.task,
        "kind": record.kind,
        "labels": one_line(", ".join(record.labels)),
        "live": _number(record.live),
        "aliases": ", ".join(f"{alias} → {at}" for alias, at in sorted(record.aliases.items())),
        "servable": _yes(record.servable),
        "created": local_time(record.created_at),
        "updated": local_time(record.updated_at),
    }


def _number(version: int | None) -> str:
    return "-" if version is None else str(version)


def _yes(value: bool) -> str:  # noqa: FBT001 (private)
    return "yes" if value else "no"
