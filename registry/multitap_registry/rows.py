"""Task states as rows: reading all of them, and writing one change down.

Every statement that changes a row names what it expects to find there. A row that is otherwise
was changed behind this registry's back, and nothing is written.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from pydantic import ValidationError
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.sql.dml import Update

from multitap_adapters.spec import AdapterSpec

from .change import AliasMove, Change
from .contract import VersionRecord
from .errors import StorageUnavailable
from .schema import ALIAS_HISTORY, ALIASES, TASKS, VERSIONS
from .task_state import TaskState


def read_states(connection: Connection) -> list[TaskState]:
    """Read every task.

    Raises:
        StorageUnavailable: a stored specification is not one that this release can read.
    """
    aliases: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for task, alias, version in connection.execute(select(ALIASES)):
        aliases[task][alias] = version
    versions: defaultdict[str, dict[int, VersionRecord]] = defaultdict(dict)
    for record in _read_versions(connection, aliases):
        versions[record.task][record.version] = record
    return [
        TaskState(
            task=name,
            next_version=next_version,
            versions=MappingProxyType(versions[name]),
            ready=MappingProxyType(
                {r.digest: r.version for r in versions[name].values() if r.state == "ready"}
            ),
            aliases=MappingProxyType(aliases[name]),
            created_at=created_at,
            updated_at=updated_at,
        )
        for name, next_version, created_at, updated_at in connection.execute(
            select(TASKS.c.name, TASKS.c.next_version, TASKS.c.created_at, TASKS.c.updated_at)
        )
    ]


def write_change(connection: Connection, change: Change) -> None:
    """Write a change, inside the caller's transaction.

    Raises:
        StorageUnavailable: the rows are not those that the change was worked out from.
    """
    _write_task(connection, change)
    if change.created:
        record = change.record
        connection.execute(
            insert(VERSIONS).values(
                task=record.task,
                version=record.version,
                state=record.state,
                digest=record.digest,
                size_bytes=record.size_bytes,
                spec=record.spec.model_dump_json(),
                created_at=record.created_at,
                created_by=record.created_by,
            )
        )
    for move in change.moves:
        _write_move(connection, change, move)


def _read_versions(
    connection: Connection, aliases: Mapping[str, Mapping[str, int]]
) -> list[VersionRecord]:
    names: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for task, targets in aliases.items():
        for alias, version in sorted(targets.items()):
            names[task, version].append(alias)
    rows = connection.execute(select(VERSIONS).order_by(VERSIONS.c.task, VERSIONS.c.version))
    return [
        VersionRecord(
            task=row.task,
            version=row.version,
            digest=row.digest,
            size_bytes=row.size_bytes,
            spec=_parse_spec(row.task, row.version, row.spec),
            state=row.state,
            aliases=tuple(names[row.task, row.version]),
            created_at=row.created_at,
            created_by=row.created_by,
        )
        for row in rows
    ]


def _parse_spec(task: str, version: int, text: str) -> AdapterSpec:
    try:
        return AdapterSpec.model_validate_json(text)
    except ValidationError as error:
        raise StorageUnavailable(
            f"version {version} of task {task!r} has a stored specification that cannot be read"
        ) from error


def _write_task(connection: Connection, change: Change) -> None:
    before, after = change.before, change.after
    if before is None:
        connection.execute(
            insert(TASKS).values(
                name=after.task,
                next_version=after.next_version,
                created_at=after.created_at,
                updated_at=after.updated_at,
            )
        )
        return
    _update_one(
        connection,
        update(TASKS)
        .where(TASKS.c.name == after.task, TASKS.c.next_version == before.next_version)
        .values(next_version=after.next_version, updated_at=after.updated_at),
        f"task {after.task!r}",
    )


def _write_move(connection: Connection, change: Change, move: AliasMove) -> None:
    task, at = change.after.task, change.at
    if move.origin is None:
        connection.execute(insert(ALIASES).values(task=task, alias=move.alias, version=move.target))
    else:
        _update_one(
            connection,
            update(ALIASES)
            .where(
                ALIASES.c.task == task,
                ALIASES.c.alias == move.alias,
                ALIASES.c.version == move.origin,
            )
            .values(version=move.target),
            f"alias {move.alias!r} of task {task!r}",
        )
    _write_history(connection, change, move, at)


def _write_history(connection: Connection, change: Change, move: AliasMove, at: datetime) -> None:
    task = change.after.task
    last = connection.execute(
        select(func.coalesce(func.max(ALIAS_HISTORY.c.move), 0)).where(
            ALIAS_HISTORY.c.task == task, ALIAS_HISTORY.c.alias == move.alias
        )
    ).scalar_one()
    connection.execute(
        insert(ALIAS_HISTORY).values(
            task=task,
            alias=move.alias,
            move=last + 1,
            at=at,
            by=change.by,
            from_version=move.origin,
            to_version=move.target,
            reason=change.reason,
        )
    )


def _update_one(connection: Connection, statement: Update, what: str) -> None:
    if connection.execute(statement).rowcount != 1:
        raise StorageUnavailable(f"{what} was changed in the database by somebody else")
