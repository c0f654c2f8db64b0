"""An SQLite database whose commits are durable when they return: DELETE journal, EXTRA sync.

DELETE with EXTRA is one of the two modes of SQLite that survive a power cut, and the one without
the WAL-reset bug of releases before 3.51.3 (docs/adr/0004-registry-storage.md). Transactions
begin IMMEDIATE, so that none fails half-way for want of a lock.
"""

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from .errors import StorageFull, StorageUnavailable
from .faults import disk_faults

BUSY_TIMEOUT_MS = 10_000

_SYNCHRONOUS_EXTRA = 3


class Database:
    """One SQLite file and one connection to it; callers take turns."""

    def __init__(self, path: Path, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        with disk_faults("create the registry's database"):
            # SQLite would create it readable by everyone.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        self.path: Final = path
        self._engine: Final = _create_engine(path, busy_timeout_ms)

    @contextmanager
    def transaction(self) -> Generator[Connection, None, None]:
        """Run a block in one transaction, durable when the block is left without an error.

        Raises:
            StorageFull, StorageUnavailable: the database failed; whether a failed commit took
                place is known only once the database is read again.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            # A connection that saw an error of the disk may hold pages that were never written.
            self._engine.dispose()
            raise _storage_error(error) from error

    def probe(self) -> None:
        """Take the lock that a write needs, and let it go. Raises: as `transaction`."""
        with self.transaction() as connection:
            connection.execute(text("SELECT 1 FROM sqlite_master LIMIT 1"))

    def close(self) -> None:
        """Close the connection."""
        self._engine.dispose()


def _create_engine(path: Path, busy_timeout_ms: int) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        connect_args={"check_same_thread": False},
    )

    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # The driver must not begin transactions of its own, which would be deferred ones.
        connection.isolation_level = None
        _set_pragma(connection, "busy_timeout", busy_timeout_ms, busy_timeout_ms)
        _set_pragma(connection, "journal_mode", "DELETE", "delete")
        _set_pragma(connection, "synchronous", "EXTRA", _SYNCHRONOUS_EXTRA)
        _set_pragma(connection, "foreign_keys", "ON", 1)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _set_pragma(
    connection: DBAPIConnection, pragma: str, value: str | int, expected: str | int
) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA {pragma} = {value}")
        # SQLite says nothing of a setting that it does not know or cannot change.
        cursor.execute(f"PRAGMA {pragma}")
        row = cursor.fetchone()
    finally:
        cursor.close()
    found = None if row is None else row[0]
    if found != expected:
        raise StorageUnavailable(f"sqlite's {pragma} must be {expected!r}, and is {found!r}")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _storage_error(error: SQLAlchemyError) -> StorageFull | StorageUnavailable:
    # SQLAlchemy's own message holds the statement and its values: the driver's is enough.
    cause = error.orig if isinstance(error, DBAPIError) else error
    message = f"the registry's database failed: {cause}"
    # The low byte of SQLite's extended codes is the plain one.
    code = cause.sqlite_errorcode & 0xFF if isinstance(cause, sqlite3.Error) else None
    if code == sqlite3.SQLITE_FULL:
        return StorageFull(message)
    return StorageUnavailable(message)
