"""A PostgreSQL database that several servers share, by URL, through psycopg.

Commits are durable when they return, whatever the server's default, and no connection waits
without an end: for a lock, for an answer, or for a machine that is gone.
"""

from typing import Any, Final

from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from .database import Database

_DRIVER: Final = "postgresql+psycopg"
_SCHEMES: Final = frozenset({"postgres", "postgresql", _DRIVER})
# What libpq is told unless the URL says otherwise: seconds, and milliseconds for the second.
_CONNECTION: Final = {
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",
    "application_name": "multitap",
}
# A server whose commits do not wait for the disk by default is told to; "local" and "remote_..."
# do wait for it.
_SETTINGS: Final = """
SELECT set_config('lock_timeout', '10s', false),
       set_config('statement_timeout', '60s', false),
       set_config('idle_in_transaction_session_timeout', '60s', false),
       set_config('synchronous_commit',
                  CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
                  ELSE current_setting('synchronous_commit') END, false)
"""


def parse_database_url(text: str) -> URL:
    """Return the URL of a PostgreSQL database.

    Raises:
        ValueError: it is none; the message has no password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # Neither the text nor the library's message, which may hold a part of it.
        raise ValueError(
            "the database's URL cannot be read, expected one like postgresql://user@host/name"
        ) from None
    if url.drivername not in _SCHEMES:
        raise ValueError(
            f"the database's URL must begin with postgresql://, and is one of {url.drivername!r}"
        )
    # The part behind the first "@" would be taken for the host, and named in messages.
    if "@" in (url.host or ""):
        raise ValueError(
            "the database's URL has more than one '@', expected %40 for those of a password"
        )
    if not all(port.isdecimal() for port in _ports(url)):
        raise ValueError("the database's URL has a port that is no number")
    return url.set(drivername=_DRIVER)


def _ports(url: URL) -> list[str]:
    found = url.query.get("port", ())
    texts = [found] if isinstance(found, str) else found
    return [port for text in texts for port in text.split(",") if port]


def postgresql_database(url: URL) -> Database:
    """Return a database; nothing is connected yet."""
    settings: dict[str, Any] = {
        name: value for name, value in _CONNECTION.items() if name not in url.query
    }
    engine = create_engine(
        url,
        # One changes, others read; a change waits for the row that orders them, not for a place.
        pool_size=2,
        max_overflow=8,
        # A connection that was cut while nobody used it is replaced, and fails nobody.
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        connect_args=settings,
    )

    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        try:
            cursor.execute(_SETTINGS)
        finally:
            cursor.close()
        connection.commit()

    event.listen(engine, "connect", prepare)
    # READ COMMITTED sees each statement's own moment; with the head locked nothing else moves,
    # but a reader without the lock needs one moment for all of its tables.
    reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Database(engine, reading)
