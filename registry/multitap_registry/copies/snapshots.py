"""All tables as they were at one moment, in an SQLite file of their own.

A reader of SQLite's makes every commit wait, so its pages are copied as they are, in one step, in
the time that it takes to copy a file. PostgreSQL's readers disturb nobody: its rows are copied.
"""

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from multitap_registry.database import Database
from multitap_registry.errors import StorageFull, StorageUnavailable
from multitap_registry.faults import disk_faults
from multitap_registry.migrating import prepare_schema
from multitap_registry.sqlite import sqlite_database

from .rows import copy_rows

_BUSY_TIMEOUT_S: Final = 10


def take_snapshot(source: Database, path: Path, *, at: datetime) -> None:
    """Write a database's tables to a new file, durable but for its name.

    `at` is not kept: it is the time at which a database is made, until the rows are there.

    Raises:
        StorageFull, StorageUnavailable: one of the two databases failed.
    """
    with source.snapshot() as connection:
        if connection.dialect.name == "sqlite":
            _copy_pages(_driver(connection), path)
            return
        copy = sqlite_database(path)
        try:
            with copy.transaction() as target:
                prepare_schema(target, place=str(path), at=at)
                copy_rows(connection, target)
        finally:
            copy.close()


def copy_file(source: Path, path: Path) -> None:
    """Write the tables of an SQLite file that nobody changes to a new one; only reads the source.

    Raises:
        StorageFull, StorageUnavailable: one of the two failed.
    """
    with (
        _sqlite_faults(),
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as opened,
    ):
        _copy_pages(opened, path)


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 (what the dialect says)
    return driver


def _copy_pages(source: sqlite3.Connection, path: Path) -> None:
    with disk_faults("make a copy of the registry's database"):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        os.close(descriptor)
    with _sqlite_faults(), closing(sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S)) as target:
        target.execute("PRAGMA synchronous = EXTRA")
        source.backup(target)


@contextmanager
def _sqlite_faults() -> Generator[None, None, None]:
    try:
        yield
    except sqlite3.Error as error:
        message = f"the registry's database cannot be copied: {error}"
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise StorageFull(message) from error
        raise StorageUnavailable(message) from error
