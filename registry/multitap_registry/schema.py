"""The tables as this release uses them; `migrations/` says how each schema became the next.

``tasks.next_version`` only ever grows, so that a number is never used twice, also not after its
version or the whole task was deleted. ``alias_history.move`` counts from 1 per alias without gaps,
``events.seq`` and ``audit.seq`` from 1 without gaps; the one row of ``meta`` holds their ends, and
whoever changes anything locks it first. The tables keep to what SQLite and PostgreSQL share.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)

from .column_types import UtcDateTime
from .contract import GENESIS

METADATA: Final = MetaData()

META: Final = Table(
    "meta",
    METADATA,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    # Releases before Alembic read this column, and no other, to see that they are too old.
    Column("schema_version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_event", BigInteger, nullable=False, server_default=text("0")),
    Column("audit_seq", BigInteger, nullable=False, server_default=text("0")),
    Column("audit_hash", String(71), nullable=False, server_default=GENESIS),
)

TASKS: Final = Table(
    "tasks",
    METADATA,
    Column("name", String(63), primary_key=True),
    Column("next_version", Integer, CheckConstraint("next_version >= 1"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

VERSIONS: Final = Table(
    "versions",
    METADATA,
    Column("task", String(63), ForeignKey("tasks.name"), primary_key=True),
    Column("version", Integer, CheckConstraint("version >= 1"), primary_key=True),
    Column("state", String(16), CheckConstraint("state IN ('ready', 'deleted')"), nullable=False),
    Column("digest", String(71), nullable=False, index=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("spec", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
    # The same bytes are at most one ready version of a task.
    Index(
        "versions_ready_digest",
        "task",
        "digest",
        unique=True,
        sqlite_where=text("state = 'ready'"),
        postgresql_where=text("state = 'ready'"),
    ),
)

TAGS: Final = Table(
    "tags",
    METADATA,
    Column("task", String(63), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("tag", String(64), primary_key=True),
    ForeignKeyConstraint(["task", "version"], ["versions.task", "versions.version"]),
)

ALIASES: Final = Table(
    "aliases",
    METADATA,
    Column("task", String(63), primary_key=True),
    Column("alias", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
    ForeignKeyConstraint(["task", "version"], ["versions.task", "versions.version"]),
)

ALIAS_HISTORY: Final = Table(
    "alias_history",
    METADATA,
    Column("task", String(63), ForeignKey("tasks.name"), primary_key=True),
    Column("alias", String(32), primary_key=True),
    Column("move", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("by", Text, nullable=False),
    # Null where the alias did not exist before, or does not exist afterwards.
    Column("from_version", Integer),
    Column("to_version", Integer),
    Column("reason", Text),
    Column("rollback", Boolean, nullable=False, server_default=false()),
)

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", Text, nullable=False),
    Column("type", String(32), nullable=False),
    Column("task", String(63), nullable=False),
    Column("version", Integer),
    Column("alias", String(32)),
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", String(32), nullable=False),
    Column("task", String(63), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("version", Integer),
    Column("alias", String(32)),
    Column("old_digest", String(71)),
    Column("new_digest", String(71)),
    Column("reason", Text),
    Column("request_id", Text),
    Column("previous", String(71), nullable=False),
    Column("hash", String(71), nullable=False),
)
