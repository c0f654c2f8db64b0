"""Events, audit lines and alias histories as rows."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from .contract import AliasMove, AuditEntry, AuditLine, ChainHead, Event
from .schema import ALIAS_HISTORY, AUDIT, EVENTS


def read_events(connection: Connection, *, after: int, until: int, limit: int) -> Sequence[Event]:
    """Return the events behind number `after` up to number `until`, in order."""
    rows = connection.execute(
        select(EVENTS)
        .where(EVENTS.c.seq > after, EVENTS.c.seq <= until)
        .order_by(EVENTS.c.seq)
        .limit(limit)
    )
    return [Event(**row) for row in rows.mappings()]


def read_changed_tasks(connection: Connection, *, after: int) -> Sequence[str]:
    """Return the names of the tasks that events behind number `after` name, each once."""
    return connection.scalars(select(EVENTS.c.task).distinct().where(EVENTS.c.seq > after)).all()


def write_events(connection: Connection, events: Sequence[Event]) -> None:
    """Write events, which have their numbers."""
    connection.execute(insert(EVENTS), [asdict(event) for event in events])


def read_audit(connection: Connection, *, after: int, limit: int) -> Sequence[AuditLine]:
    """Return the audit lines behind number `after`, in order, as they are stored."""
    rows = connection.execute(
        select(AUDIT).where(AUDIT.c.seq > after).order_by(AUDIT.c.seq).limit(limit)
    )
    return [
        AuditLine(
            seq=row.seq,
            entry=AuditEntry(
                at=row.at,
                by=row.by,
                action=row.action,
                task=row.task,
                outcome=row.outcome,
                version=row.version,
                alias=row.alias,
                old_digest=row.old_digest,
                new_digest=row.new_digest,
                reason=row.reason,
                request_id=row.request_id,
            ),
            previous=row.previous,
            hash=row.hash,
        )
        for row in rows
    ]


def write_audit(
    connection: Connection, head: ChainHead, entries: Sequence[AuditEntry]
) -> ChainHead:
    """Write entries as the chain's next lines; return its new end."""
    rows: list[dict[str, object]] = []
    for entry in entries:
        line = AuditLine.following(head, entry)
        rows.append(
            {"seq": line.seq, **asdict(entry), "previous": line.previous, "hash": line.hash}
        )
        head = line.head
    connection.execute(insert(AUDIT), rows)
    return head


def read_history(connection: Connection, task: str, alias: str) -> Sequence[AliasMove]:
    """Return every move of an alias, oldest first."""
    rows = connection.execute(
        select(ALIAS_HISTORY)
        .where(ALIAS_HISTORY.c.task == task, ALIAS_HISTORY.c.alias == alias)
        .order_by(ALIAS_HISTORY.c.move)
    )
    return [_parse_move(row) for row in rows]


def read_histories(connection: Connection, task: str) -> dict[str, list[AliasMove]]:
    """Return every move of every alias that a task ever had, oldest first."""
    rows = connection.execute(
        select(ALIAS_HISTORY)
        .where(ALIAS_HISTORY.c.task == task)
        .order_by(ALIAS_HISTORY.c.alias, ALIAS_HISTORY.c.move)
    )
    found: defaultdict[str, list[AliasMove]] = defaultdict(list)
    for row in rows:
        found[row.alias].append(_parse_move(row))
    return dict(found)


def move_row(task: str, alias: str, move: AliasMove) -> dict[str, object]:
    """Return a move as its row."""
    return {
        "task": task,
        "alias": alias,
        "move": move.move,
        "at": move.at,
        "by": move.by,
        "from_version": move.origin,
        "to_version": move.target,
        "reason": move.reason,
        "rollback": move.rollback,
    }


def _parse_move(row: Row[Any]) -> AliasMove:
    return AliasMove(
        move=row.move,
        at=row.at,
        by=row.by,
        origin=row.from_version,
        target=row.to_version,
        reason=row.reason,
        rollback=row.rollback,
    )
