"""The tables: tasks, versions, aliases and every move of an alias.

``tasks.next_version`` only ever grows, so that a number is never used twice, also not after its
version or the whole task was deleted. ``alias_history.move`` counts from 1 per alias without gaps.
The tables keep to what SQLite and PostgreSQL share.
"""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.types import TypeDecorator

from .errors import UnsupportedSchema

SCHEMA_VERSION: Final = 1


class UtcDateTime(TypeDecorator[datetime]):
    """A time with its zone, stored in UTC, since SQLite's own type forgets the zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Store in UTC; a time without a zone is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a stored time needs a zone, got {value!r}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


METADATA: Final = MetaData()

META: Final = Table(
    "meta",
    METADATA,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("schema_version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
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
)


def prepare_schema(connection: Connection, *, place: str, at: datetime) -> None:
    """Create the tables in an empty database, or check that they are the known ones.

    Raises:
        UnsupportedSchema: another release wrote them; `place` names the database in its message.
    """
    if not inspect(connection).has_table(META.name):
        METADATA.create_all(connection)
        connection.execute(insert(META).values(id=1, schema_version=SCHEMA_VERSION, created_at=at))
        return
    found = connection.execute(select(META.c.schema_version)).scalar_one()
    if found != SCHEMA_VERSION:
        raise UnsupportedSchema(place, found=found, supported=SCHEMA_VERSION)
