"""PostgreSQL databases by URL, for tests that look at rows or need empty tables."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import Connection, delete, update

from multitap_registry.contract import GENESIS
from multitap_registry.postgresql import parse_database_url, postgresql_database
from multitap_registry.schema import META, METADATA


@contextmanager
def changing(url: str) -> Generator[Connection, None, None]:
    """Run a block in one transaction of its own."""
    database = postgresql_database(parse_database_url(url))
    try:
        with database.transaction() as connection:
            yield connection
    finally:
        database.close()


def empty_tables(connection: Connection) -> None:
    """Make tables as if they were new; a new database for each test takes a second."""
    for table in reversed(METADATA.sorted_tables):
        if table is not META:
            connection.execute(delete(table))
    connection.execute(update(META).values(last_event=0, audit_seq=0, audit_hash=GENESIS))
