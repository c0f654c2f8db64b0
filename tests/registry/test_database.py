"""The database: durable settings, transactions, and its errors in the registry's own words."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from multitap_registry.database import Database
from multitap_registry.errors import StorageFull, StorageUnavailable
from multitap_registry.sqlite import BUSY_TIMEOUT_MS, sqlite_database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the database below is."""
    return tmp_path / "x.sqlite"


@pytest.fixture
def database(path: Path) -> Database:
    """Return an empty database."""
    return sqlite_database(path)


def touch(database: Database) -> None:
    """Begin a transaction that may write, and end it."""
    with database.transaction() as connection:
        connection.execute(text("SELECT 1 FROM sqlite_master LIMIT 1"))


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
    touch(database)
    database.close()

    assert pragma(database, "synchronous") == 3


def test_write_ahead_log_of_an_old_file_is_left(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("CREATE TABLE t (x)")
    other.close()

    assert pragma(sqlite_database(path), "journal_mode") == "delete"


def test_setting_that_does_not_take_effect_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("CREATE TABLE t (x)")

    # A second connection to the same file keeps SQLite from leaving the write-ahead log.
    database = sqlite_database(path, busy_timeout_ms=10)
    with pytest.raises(StorageUnavailable):
        touch(database)
    other.close()


def test_transaction_begins_with_the_write_lock(path: Path, database: Database) -> None:
    other = sqlite3.connect(path, timeout=0, isolation_level=None)

    with database.transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")

    other.execute("BEGIN IMMEDIATE")
    other.close()


def test_snapshot_needs_no_write_lock_and_stays_as_it_was(path: Path, database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO t VALUES (1)")

    with database.snapshot() as connection:
        assert connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 0
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("COMMIT")

    other.close()


def test_database_that_another_holds_is_unavailable(tmp_path: Path) -> None:
    database = sqlite_database(tmp_path / "x.sqlite", busy_timeout_ms=10)
    other = sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StorageUnavailable, match="locked"):
        touch(database)

    other.close()
    touch(database)


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
        touch(sqlite_database(tmp_path / "x.sqlite"))


def test_database_without_room_is_full_and_recovers(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
        connection.execute(text("PRAGMA max_page_count = 3"))
    with pytest.raises(StorageFull), database.transaction() as connection:
        connection.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))

    with database.transaction() as connection:
        connection.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))
        assert connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 1


def test_database_file_is_for_its_owner_only(path: Path, database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(text("CREATE TABLE t (x)"))

    assert path.stat().st_mode & 0o777 == 0o600


def test_database_in_a_missing_folder_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        sqlite_database(tmp_path / "missing" / "x.sqlite")
