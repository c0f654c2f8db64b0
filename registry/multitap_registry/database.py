"""A database with one order of changes: transactions, and its errors in the registry's own words.

`sqlite.py` and `postgresql.py` make the engines; what both promise is here.
"""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from .errors import StorageFull, StorageUnavailable

# Class 53 of PostgreSQL's codes is "insufficient resources"; this one is its full disk.
_POSTGRESQL_DISK_FULL: Final = "53100"


class Database:
    """One database; safe to use from several threads.

    `changing` engines begin transactions that may change rows, `reading` ones transactions that
    see all tables as they were at one moment, and change none.
    """

    def __init__(self, changing: Engine, reading: Engine) -> None:
        self._changing: Final = changing
        self._reading: Final = reading

    @contextmanager
    def transaction(self) -> Generator[Connection, None, None]:
        """Run a block in one transaction, durable when the block is left without an error.

        Raises:
            StorageFull, StorageUnavailable: the database failed; whether a failed commit took
                place is known only once the database is read again.
        """
        with self._begin(self._changing) as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Generator[Connection, None, None]:
        """Read all tables as they were at one moment. Raises: as `transaction`."""
        with self._begin(self._reading) as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._changing.dispose()

    @contextmanager
    def _begin(self, engine: Engine) -> Generator[Connection, None, None]:
        try:
            with engine.connect() as connection:
                try:
                    with connection.begin():
                        yield connection
                except SQLAlchemyError:
                    # It may hold pages that were never written, or have no server any more.
                    connection.invalidate()
                    raise
        except SQLAlchemyError as error:
            raise _storage_error(error) from error


def _storage_error(error: SQLAlchemyError) -> StorageFull | StorageUnavailable:
    # SQLAlchemy's own message holds the statement and its values: the driver's is enough.
    cause = error.orig if isinstance(error, DBAPIError) else error
    message = f"the registry's database failed: {_first_line(cause)}"
    return StorageFull(message) if _is_full(cause) else StorageUnavailable(message)


def _is_full(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.Error):
        # The low byte of SQLite's extended codes is the plain one. Errors of the driver have none.
        code = getattr(cause, "sqlite_errorcode", 0)
        return code & 0xFF == sqlite3.SQLITE_FULL
    return getattr(cause, "sqlstate", None) == _POSTGRESQL_DISK_FULL


def _first_line(cause: BaseException | None) -> str:
    # PostgreSQL's further lines hold the statement's text and the values of rows.
    return next(iter(str(cause).splitlines()), type(cause).__name__)
