"""One change as rows: a task's, a version's, an alias's, and the logs'.

Every statement that changes a row names what it expects to find there. A row that is otherwise
was changed behind this registry's back, and nothing is written.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from sqlalchemy import Connection, Table, delete, func, insert, select, update
from sqlalchemy.sql.dml import Delete, Update

from .change import Change, Move
from .contract import VersionRecord
from .errors import StorageUnavailable
from .head import Head, move_head
from .log_rows import move_row, write_audit, write_events
from .schema import ALIAS_HISTORY, ALIASES, TAGS, TASKS, VERSIONS
from .task_copy import TaskCopy

# Well below every database's limit of parameters in one statement.
_PART = 500


def write_change(connection: Connection, change: Change, head: Head) -> Head:
    """Write a change with its logs, inside the caller's transaction; return the logs' new end.

    Raises:
        StorageUnavailable: the rows are not those that the change was worked out from.
    """
    _write_task(connection, change)
    if change.created:
        connection.execute(insert(VERSIONS).values(_version_row(change.record)))
    for move in change.moves:
        _write_move(connection, change, move)
    if change.deleted:
        _write_tombstones(connection, change.after.task, change.deleted)
    if change.tagged:
        _write_tags(connection, change)
    if change.imported is not None:
        _write_copy(connection, change.imported.copy)
    events = change.events(head.last_event)
    write_events(connection, events)
    chain = write_audit(connection, head.chain, change.audit_entries())
    after = Head(events[-1].seq, chain)
    move_head(connection, head, after)
    return after


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
    _change_rows(
        connection,
        update(TASKS)
        .where(TASKS.c.name == after.task, TASKS.c.next_version == before.next_version)
        .values(next_version=after.next_version, updated_at=after.updated_at),
        f"task {after.task!r}",
    )


def _version_row(record: VersionRecord) -> dict[str, object]:
    return {
        "task": record.task,
        "version": record.version,
        "state": record.state,
        "digest": record.digest,
        "size_bytes": record.size_bytes,
        "spec": record.spec.model_dump_json(),
        "created_at": record.created_at,
        "created_by": record.created_by,
    }


def _write_move(connection: Connection, change: Change, move: Move) -> None:
    task = change.after.task
    where = (ALIASES.c.task == task, ALIASES.c.alias == move.alias)
    what = f"alias {move.alias!r} of task {task!r}"
    if move.origin is None:
        connection.execute(insert(ALIASES).values(task=task, alias=move.alias, version=move.target))
    elif move.target is None:
        gone = delete(ALIASES).where(*where, ALIASES.c.version == move.origin)
        _change_rows(connection, gone, what)
    else:
        moved = update(ALIASES).where(*where, ALIASES.c.version == move.origin)
        _change_rows(connection, moved.values(version=move.target), what)
    _write_history(connection, change, move)


def _write_history(connection: Connection, change: Change, move: Move) -> None:
    task = change.after.task
    last = connection.execute(
        select(func.coalesce(func.max(ALIAS_HISTORY.c.move), 0)).where(
            ALIAS_HISTORY.c.task == task, ALIAS_HISTORY.c.alias == move.alias
        )
    ).scalar_one()
    line = change.history_line(move, last + 1)
    connection.execute(insert(ALIAS_HISTORY).values(move_row(task, move.alias, line)))


def _write_tombstones(connection: Connection, task: str, versions: Sequence[int]) -> None:
    for first in range(0, len(versions), _PART):
        part = versions[first : first + _PART]
        _change_rows(
            connection,
            update(VERSIONS)
            .where(
                VERSIONS.c.task == task,
                VERSIONS.c.version.in_(part),
                VERSIONS.c.state == "ready",
            )
            .values(state="deleted"),
            f"versions of task {task!r}",
            count=len(part),
        )


def _write_tags(connection: Connection, change: Change) -> None:
    record = change.record
    connection.execute(
        delete(TAGS).where(TAGS.c.task == record.task, TAGS.c.version == record.version)
    )
    if record.tags:
        connection.execute(
            insert(TAGS),
            [{"task": record.task, "version": record.version, "tag": tag} for tag in record.tags],
        )


def _write_copy(connection: Connection, copy: TaskCopy) -> None:
    """Write what a task that is new in its row came with."""
    state = copy.state
    _insert(connection, VERSIONS, map(_version_row, state.versions.values()))
    _insert(
        connection,
        TAGS,
        (
            {"task": state.task, "version": record.version, "tag": tag}
            for record in state.versions.values()
            for tag in record.tags
        ),
    )
    _insert(
        connection,
        ALIASES,
        (
            {"task": state.task, "alias": alias, "version": version}
            for alias, version in state.aliases.items()
        ),
    )
    _insert(
        connection,
        ALIAS_HISTORY,
        (
            move_row(state.task, alias, move)
            for alias, moves in copy.history.items()
            for move in moves
        ),
    )


def _insert(connection: Connection, table: Table, rows: Iterable[dict[str, object]]) -> None:
    rest = iter(rows)
    while part := list(islice(rest, _PART)):
        connection.execute(insert(table), part)


def _change_rows(
    connection: Connection, statement: Update | Delete, what: str, *, count: int = 1
) -> None:
    if connection.execute(statement).rowcount != count:
        raise StorageUnavailable(f"{what} was changed in the database by somebody else")
