"""An SQLite database whose commits are durable when they return: DELETE journal, EXTRA sync.

DELETE with EXTRA is one of the two modes of SQLite that survive a power cut, and the one without
the WAL-reset bug of releases before 3.51.3 (docs/adr/0004-registry-storage.md). Transactions that
may write begin IMMEDIATE, so that none fails half-way for want of a lock.
"""

import os
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from .database import Database
from .errors import StorageUnavailable
from .faults import disk_faults

BUSY_TIMEOUT_MS = 10_000

_SYNCHRONOUS_EXTRA = 3
# Read by the hook that begins transactions.
_READS_ONLY: Final = "multitap_reads_only"


def sqlite_database(path: Path, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Database:
    """Return a database of one file, made if need be, and one connection; callers take turns.

    Raises:
        StorageFull, StorageUnavailable: the file cannot be made.
    """
    return Database(*sqlite_engines(path, busy_timeout_ms=busy_timeout_ms))


def sqlite_engines(path: Path, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> tuple[Engine, Engine]:
    """Return the engines that change and that read one file. Raises: as `sqlite_database`."""
    with disk_faults("create the registry's database"):
        # SQLite would create it readable by everyone.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
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
    event.listen(engine, "begin", _begin)
    return engine, engine.execution_options(**{_READS_ONLY: True})


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


def _begin(connection: Connection) -> None:
    reads_only = connection.get_execution_options().get(_READS_ONLY, False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
