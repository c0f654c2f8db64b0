"""The database: durable settings, transactions, and its errors in the registry's own words."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from multitap_registry.database import BUSY_TIMEOUT_MS, Database
from multitap_registry.errors import StorageFull, StorageUnavailable


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Return an empty database."""
    return Database(tmp_path / "x.sqlite")


def pragma(database: Database, name: str) -> object:
    """Return a setting as the connection in use has it."""
    with database.transaction() as connection:
        return connection.execute(text(f"PRAGMA {name}")).scalar_one()


def create_and_fail(connection: Connection) -> None:
    """Create a table, and raise KeyError."""
    connection.execute(text("CREATE TABLE t (x)"))
    raise KeyError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("journal_mode", "delete"),
        ("synchronous", 3),
        ("foreign_keys", 1),
        ("busy_timeout", BUSY_TIMEOUT_MS),
    ],
)
def test_durable_settings_took_effect(database: Database, name: str, expected: object) -> None:
    assert pragma(database, name) == expected


def test_settings_hold_on_every_new_connection(database: Database) -> None:
    database.probe()
    database.close()

    assert pragma(database, "synchronous") == 3


def test_write_ahead_log_of_an_old_file_is_left(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("CREATE TABLE t (x)")
    other.close()

    assert pragma(Database(path), "journal_mode") == "delete"


def test_setting_that_does_not_take_effect_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("CREATE TABLE t (x)")

    # A second connection to the same file keeps SQLite from leaving the write-ahead log.
    database = Database(path, busy_timeout_ms=10)
    with pytest.raises(StorageUnavailable):
        database.probe()
    other.close()


def test_transaction_begins_with_the_write_lock(database: Database) -> None:
    other = sqlite3.connect(database.path, timeout=0, isolation_level=None)

    with database.transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")

    other.execute("BEGIN IMMEDIATE")
    other.close()


def test_database_that_another_holds_is_unavailable(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.sqlite", busy_timeout_ms=10)
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StorageUnavailable, match="locked"):
        database.probe()

    other.close()
    database.probe()


def test_error_in_a_transaction_takes_all_of_it_back(database: Database) -> None:
    with pytest.raises(KeyError), database.transaction() as connection:
        create_and_fail(connection)

    with pytest.raises(StorageUnavailable, match="no such table"), database.transaction() as again:
        again.execute(text("SELECT * FROM t"))


def test_error_message_holds_no_values(database: Database) -> None:
    with pytest.raises(StorageUnavailable) as caught, database.transaction() as connection:
        connection.execute(text("SELECT :x FROM missing"), {"x": "secret value"})

    assert "secret" not in str(caught.value)


def test_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_bytes(b"no database at all, but long enough to tell " * 100)

    with pytest.raises(StorageUnavailable, match="not a database"):
        Database(tmp_path / "x.sqlite").probe()


def test_database_without_room_is_full_and_recovers(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
        connection.execute(text("PRAGMA max_page_count = 3"))
    with pytest.raises(StorageFull), database.transaction() as connection:
        connection.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))

    with database.transaction() as connection:
        connection.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))
        assert connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 1


def test_database_file_is_for_its_owner_only(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(text("CREATE TABLE t (x)"))

    assert database.path.stat().st_mode & 0o777 == 0o600


def test_database_in_a_missing_folder_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        Database(tmp_path / "missing" / "x.sqlite")
