"""The tables: made once, known by their number, and guarding their own rules."""

import sqlite3
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from multitap_registry.database import Database
from multitap_registry.errors import StorageUnavailable, UnsupportedSchema
from multitap_registry.folder import DATABASE_NAME, open_registry
from multitap_registry.migrating import SCHEMA_VERSION, prepare_schema
from multitap_registry.schema import TASKS
from multitap_registry.sqlite import sqlite_database
from publishing import publish
from sample_adapters import sample_adapter

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Return a database with empty tables."""
    database = sqlite_database(tmp_path / "x.sqlite")
    with database.transaction() as connection:
        prepare_schema(connection, place="x", at=NOON)
    return database


@pytest.fixture
def filled(folder: Path) -> Generator[sqlite3.Connection, None, None]:
    """Return the driver's connection to a closed registry of one version, with foreign keys on."""
    with open_registry(folder) as registry:
        publish(registry, "spam", sample_adapter())
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        yield connection


def prepare_and_fail(connection: Connection) -> None:
    """Make the tables, and raise KeyError."""
    prepare_schema(connection, place="x", at=NOON)
    raise KeyError


def test_preparing_twice_changes_nothing(tmp_path: Path, database: Database) -> None:
    with database.transaction() as connection:
        prepare_schema(connection, place="x", at=NOON)

    with closing(sqlite3.connect(tmp_path / "x.sqlite")) as connection:
        rows = connection.execute("SELECT schema_version FROM meta").fetchall()
    assert rows == [(SCHEMA_VERSION,)]


def test_tables_of_a_newer_release_are_refused_by_name(
    folder: Path, filled: sqlite3.Connection
) -> None:
    filled.execute("UPDATE alembic_version SET version_num = '3'")
    filled.commit()

    with pytest.raises(UnsupportedSchema) as caught, open_registry(folder):
        pass

    assert (caught.value.found, caught.value.supported) == (3, SCHEMA_VERSION)
    assert str(folder) in str(caught.value)


def test_half_made_tables_are_not_left_behind(tmp_path: Path) -> None:
    database = sqlite_database(tmp_path / "x.sqlite")
    with pytest.raises(KeyError), database.transaction() as connection:
        prepare_and_fail(connection)

    with closing(sqlite3.connect(tmp_path / "x.sqlite")) as connection:
        assert connection.execute("SELECT * FROM sqlite_master").fetchall() == []


def test_time_comes_back_in_utc_to_the_microsecond(database: Database) -> None:
    at = datetime(2026, 1, 1, 14, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    with database.transaction() as connection:
        connection.execute(
            insert(TASKS).values(name="a", next_version=1, created_at=at, updated_at=at)
        )
        (found,) = connection.execute(select(TASKS.c.created_at)).one()

    assert (found, found.tzinfo) == (at, UTC)


def test_time_without_a_zone_is_refused(database: Database) -> None:
    naive = NOON.replace(tzinfo=None)

    with (
        pytest.raises(StorageUnavailable, match="zone"),
        database.transaction() as connection,
    ):
        connection.execute(
            insert(TASKS).values(name="a", next_version=1, created_at=naive, updated_at=naive)
        )


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO meta (id, schema_version, created_at) VALUES (2, 2, '2026-01-01')",
        "INSERT INTO aliases VALUES ('spam', 'candidate', 2)",
        "INSERT INTO aliases VALUES ('ham', 'live', 1)",
        "DELETE FROM versions",
        "DELETE FROM tasks",
        "UPDATE versions SET state = 'unheard of'",
        "UPDATE tasks SET next_version = 0",
        "INSERT INTO versions SELECT task, 2, state, digest, size_bytes, spec, created_at,"
        " created_by FROM versions",
        "INSERT INTO alias_history SELECT * FROM alias_history",
    ],
)
def test_row_that_breaks_a_rule_is_refused_by_the_database(
    filled: sqlite3.Connection, statement: str
) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        filled.execute(statement)


def test_bytes_of_a_deleted_version_may_come_again(filled: sqlite3.Connection) -> None:
    filled.execute("UPDATE versions SET state = 'deleted'")

    filled.execute(
        "INSERT INTO versions SELECT task, 2, 'ready', digest, size_bytes, spec, created_at,"
        " created_by FROM versions"
    )

    assert filled.execute("SELECT count(*) FROM versions").fetchone() == (2,)
