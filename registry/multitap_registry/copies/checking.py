"""Whether the tables of a copy agree with each other, before anybody relies on them."""

from collections.abc import Iterator

from sqlalchemy import text

from multitap_registry.blobs import BlobStore
from multitap_registry.care import verify
from multitap_registry.care.books import read_books
from multitap_registry.care.logs import check_logs
from multitap_registry.care.tables import check_tables
from multitap_registry.care.values import check_values
from multitap_registry.database import Database

from .blob_copies import Progress


def find_table_faults(copy: Database) -> list[str]:
    """Return everything that is wrong with the tables of an SQLite database.

    Raises:
        StorageUnavailable: the file is damaged so much that SQLite gives up.
    """
    unreadable = [*_file_faults(copy), *map(str, check_values(copy))]
    if unreadable:
        return unreadable
    books = read_books(copy)
    findings = [*check_tables(books), *check_logs(copy, books)]
    return list(map(str, findings))


def find_faults(copy: Database, blobs: BlobStore, progress: Progress) -> list[str]:
    """Return also what is wrong with the blobs of ready versions. Raises: StorageUnavailable."""
    return [*_file_faults(copy), *map(str, verify(copy, blobs, progress).findings)]


def _file_faults(copy: Database) -> Iterator[str]:
    with copy.snapshot() as connection:
        for (found,) in connection.execute(text("PRAGMA integrity_check")):
            if found != "ok":
                yield f"the database is damaged: {found}"
        for table, row, *_ in connection.execute(text("PRAGMA foreign_key_check")):
            yield f"row {row} of {table} names what is not there"
