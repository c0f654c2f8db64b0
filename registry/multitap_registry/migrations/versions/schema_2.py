"""Schema 2: events, an audit log and tags, and histories that tell a rollback from a move.

The logs of what happened under schema 1 are made of its rows: each version and each move of an
alias becomes an event and an audit line, in the order of their times. `request_id` tells those
audit lines from the ones that were written with their change. Schema 1 deleted nothing.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from multitap_registry.column_types import UtcDateTime
from multitap_registry.contract import AuditEntry, AuditLine, ChainHead

revision = "2"
down_revision = "1"

FROM_ROWS: Final = "upgrade-to-schema-2"
_GENESIS: Final = "sha256:" + "0" * 64
_VERSIONS: Final = sa.table(
    "versions",
    sa.column("task"),
    sa.column("version"),
    sa.column("digest"),
    sa.column("created_at", UtcDateTime),
    sa.column("created_by"),
)
_ALIAS_HISTORY: Final = sa.table(
    "alias_history",
    sa.column("task"),
    sa.column("alias"),
    sa.column("move"),
    sa.column("at", UtcDateTime),
    sa.column("by"),
    sa.column("from_version"),
    sa.column("to_version"),
    sa.column("reason"),
)


def upgrade() -> None:
    """Add the columns and tables, and fill the logs."""
    op.add_column(
        "meta", sa.Column("last_event", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    )
    op.add_column(
        "meta", sa.Column("audit_seq", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    )
    op.add_column(
        "meta", sa.Column("audit_hash", sa.String(71), nullable=False, server_default=_GENESIS)
    )
    op.add_column(
        "alias_history",
        sa.Column("rollback", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "tags",
        sa.Column("task", sa.String(63), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("tag", sa.String(64), primary_key=True),
        sa.ForeignKeyConstraint(["task", "version"], ["versions.task", "versions.version"]),
    )
    _fill(_create_events(), _create_audit())


def downgrade() -> None:
    """Drop what schema 1 has not: tags, both logs, and which moves were rollbacks."""
    for table in ("audit", "events", "tags"):
        op.drop_table(table)
    op.drop_column("alias_history", "rollback")
    for column in ("audit_hash", "audit_seq", "last_event"):
        op.drop_column("meta", column)
    op.execute("UPDATE meta SET schema_version = 1")


def _create_events() -> sa.Table:
    return op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("task", sa.String(63), nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("alias", sa.String(32)),
    )


def _create_audit() -> sa.Table:
    return op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("task", sa.String(63), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("alias", sa.String(32)),
        sa.Column("old_digest", sa.String(71)),
        sa.Column("new_digest", sa.String(71)),
        sa.Column("reason", sa.Text),
        sa.Column("request_id", sa.Text),
        sa.Column("previous", sa.String(71), nullable=False),
        sa.Column("hash", sa.String(71), nullable=False),
    )


def _fill(events: sa.Table, audit: sa.Table) -> None:
    connection = op.get_bind()
    head = ChainHead()
    lines: list[dict[str, object]] = []
    happened: list[dict[str, object]] = []
    for entry in _read_past(connection):
        line = AuditLine.following(head, entry)
        head = line.head
        fields = asdict(entry)
        lines.append({"seq": line.seq, **fields, "previous": line.previous, "hash": line.hash})
        told = {name: fields[name] for name in ("at", "by", "task", "version", "alias")}
        happened.append({"seq": line.seq, "type": entry.action, **told})
    if lines:
        connection.execute(sa.insert(audit), lines)
        connection.execute(sa.insert(events), happened)
    connection.execute(
        sa.text(
            "UPDATE meta SET schema_version = 2, last_event = :seq, audit_seq = :seq,"
            " audit_hash = :hash"
        ),
        {"seq": head.seq, "hash": head.hash},
    )


def _read_past(connection: sa.Connection) -> Sequence[AuditEntry]:
    versions = connection.execute(sa.select(_VERSIONS)).all()
    moves = connection.execute(sa.select(_ALIAS_HISTORY)).all()
    digests = {(row.task, row.version): row.digest for row in versions}
    # At one time, versions came before the aliases that point at them.
    past = [((row.created_at, 0, row.task, row.version), _published(row)) for row in versions]
    past += [
        (
            (row.at, 1, row.task, row.move),
            _moved(
                row,
                digests.get((row.task, row.from_version)),
                digests.get((row.task, row.to_version)),
            ),
        )
        for row in moves
    ]
    return [entry for _, entry in sorted(past, key=lambda pair: pair[0])]


def _published(row: sa.Row[Any]) -> AuditEntry:
    return AuditEntry(
        at=row.created_at,
        by=row.created_by,
        action="version.published",
        task=row.task,
        version=row.version,
        new_digest=row.digest,
        request_id=FROM_ROWS,
    )


def _moved(row: sa.Row[Any], old_digest: str | None, new_digest: str | None) -> AuditEntry:
    return AuditEntry(
        at=row.at,
        by=row.by,
        action="alias.deleted" if row.to_version is None else "alias.moved",
        task=row.task,
        version=row.to_version,
        alias=row.alias,
        old_digest=old_digest,
        new_digest=new_digest,
        reason=row.reason,
        request_id=FROM_ROWS,
    )
