"""Bringing a database to this release's schema, or back to an earlier one, in one transaction."""

import threading
from datetime import datetime
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, func, inspect, select, text

from .errors import UnsupportedSchema
from .schema import META

SCHEMA_VERSION: Final = 2

# Any number will do, as long as nobody else who uses the same database locks it.
_LOCK_NUMBER: Final = 0x6D756C7469746170
# Alembic keeps the migration that is under way in its own module.
_ALEMBIC_IS_ONE: Final = threading.Lock()


def prepare_schema(connection: Connection, *, place: str, at: datetime) -> None:
    """Make the tables in an empty database, or bring those of an earlier release up to date.

    The connection's transaction must hold SQLite's write lock; on PostgreSQL the advisory lock
    that is taken here lets one server do it while others wait.

    Raises:
        UnsupportedSchema: a newer release wrote them; `place` names the database in its message.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK_NUMBER)))
    found = find_schema(connection)
    if found is not None and found > SCHEMA_VERSION:
        raise UnsupportedSchema(place, found=found, supported=SCHEMA_VERSION)
    if found != SCHEMA_VERSION:
        upgrade_schema(connection, to=SCHEMA_VERSION, at=at)


def require_schema(connection: Connection, *, place: str) -> None:
    """Return where a database has this release's schema.

    Raises:
        UnsupportedSchema: it has another one, or none.
    """
    found = find_schema(connection)
    if found != SCHEMA_VERSION:
        raise UnsupportedSchema(place, found=found or 0, supported=SCHEMA_VERSION)


def upgrade_schema(connection: Connection, *, to: int, at: datetime) -> None:
    """Bring the tables of an earlier schema, or none, to a later one."""
    with _ALEMBIC_IS_ONE:
        config = _config(connection, at)
        found = find_schema(connection)
        if found is not None and not _has_alembic(connection):
            command.stamp(config, str(found))
        command.upgrade(config, str(to))


def downgrade_schema(connection: Connection, *, to: int, at: datetime) -> None:
    """Bring the tables back to an earlier schema; what it does not have is lost."""
    with _ALEMBIC_IS_ONE:
        command.downgrade(_config(connection, at), str(to))


def find_schema(connection: Connection) -> int | None:
    """Return the number of the schema that a database has; None for an empty one."""
    if _has_alembic(connection):
        return int(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
    # The first release had no Alembic.
    if inspect(connection).has_table(META.name):
        return int(connection.execute(select(META.c.schema_version)).scalar_one())
    return None


def _has_alembic(connection: Connection) -> bool:
    return inspect(connection).has_table("alembic_version")


def _config(connection: Connection, at: datetime) -> Config:
    config = Config(attributes={"connection": connection, "at": at})
    config.set_main_option("script_location", "multitap_registry:migrations")
    return config
