"""The shared database: its URL, its settings, and its errors in the registry's own words."""

from collections.abc import Generator

import pytest
from sqlalchemy import text

from multitap_registry.database import Database
from multitap_registry.errors import RegistryError, StorageFull, StorageUnavailable
from multitap_registry.head import lock_head
from multitap_registry.postgresql import parse_database_url, postgresql_database


@pytest.fixture
def database(database_url: str) -> Generator[Database, None, None]:
    """Return a database with empty tables."""
    database = postgresql_database(parse_database_url(database_url))
    yield database
    database.close()


def setting(database: Database, name: str) -> object:
    """Return a setting as the connection in use has it."""
    with database.transaction() as connection:
        return connection.execute(text(f"SHOW {name}")).scalar_one()


def lock_impatiently(database: Database) -> None:
    """Lock the head, or fail after a moment."""
    with database.transaction() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '1ms'"))
        lock_head(connection)


def fail_with(database: Database, code: str) -> None:
    """Let the server raise an error of this code."""
    with database.transaction() as connection:
        connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION SQLSTATE '{code}'; END $$"))


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_url_of_the_usual_schemes_is_read(scheme: str) -> None:
    url = parse_database_url(f"{scheme}://ann:secret@db.example:5433/tasks?sslmode=require")

    assert (url.drivername, url.host, url.port) == ("postgresql+psycopg", "db.example", 5433)
    assert (url.username, url.password, url.database) == ("ann", "secret", "tasks")
    assert url.query == {"sslmode": "require"}


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ann:secret@db/tasks",
        "sqlite:///secret",
        "postgresql+asyncpg://ann:secret@db/tasks",
        "postgresql://ann:secret@db:port/tasks",
        "secret",
        "",
    ],
)
def test_other_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="the database's URL") as caught:
        parse_database_url(url)

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_commits_wait_for_the_disk_although_the_server_would_not(database: Database) -> None:
    # The server of these tests has it off.
    assert setting(database, "synchronous_commit") == "on"


def test_stronger_commits_of_the_server_are_left(database_url: str) -> None:
    stronger = "&options=-csynchronous_commit%3Dremote_apply"
    database = postgresql_database(parse_database_url(database_url + stronger))

    assert setting(database, "synchronous_commit") == "remote_apply"
    database.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lock_timeout", "10s"),
        ("statement_timeout", "1min"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("application_name", "multitap"),
    ],
)
def test_nothing_waits_without_an_end(database: Database, name: str, value: str) -> None:
    assert setting(database, name) == value


def test_what_the_url_says_goes_before(database_url: str) -> None:
    database = postgresql_database(parse_database_url(database_url + "&application_name=mine"))

    assert setting(database, "application_name") == "mine"
    database.close()


def test_snapshot_sees_one_moment(database: Database) -> None:
    with database.snapshot() as reading:
        before = reading.execute(text("SELECT last_event FROM meta")).scalar_one()
        with database.transaction() as changing:
            changing.execute(text("UPDATE meta SET last_event = 7"))

        assert reading.execute(text("SELECT last_event FROM meta")).scalar_one() == before


def test_snapshot_cannot_change_anything(database: Database) -> None:
    with pytest.raises(StorageUnavailable, match="read-only"), database.snapshot() as connection:
        connection.execute(text("UPDATE meta SET last_event = 7"))

    with database.transaction() as connection:
        connection.execute(text("UPDATE meta SET last_event = 7"))


def test_whoever_changes_anything_waits_for_the_one_before(database: Database) -> None:
    with database.transaction() as connection:
        lock_head(connection)

        with pytest.raises(StorageUnavailable, match="lock"):
            lock_impatiently(database)


def test_full_disk_of_the_server_is_told_as_such(database: Database) -> None:
    with pytest.raises(StorageFull):
        fail_with(database, "53100")


@pytest.mark.parametrize("code", ["53200", "57P01", "XX000", "23505"])
def test_other_errors_are_unavailable(database: Database, code: str) -> None:
    with pytest.raises(StorageUnavailable):
        fail_with(database, code)


def test_error_message_is_one_line_and_holds_no_values(database: Database) -> None:
    with pytest.raises(RegistryError) as caught, database.transaction() as connection:
        connection.execute(text("INSERT INTO tasks VALUES ('secret', 0, now(), now())"))

    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_server_that_is_not_there_is_named_without_a_password() -> None:
    # Port 1 of this machine: nobody listens there.
    url = "postgresql://ann:secret@127.0.0.1:1/tasks"
    database = postgresql_database(parse_database_url(url))

    with pytest.raises(StorageUnavailable, match=r"127\.0\.0\.1") as caught, database.snapshot():
        pass

    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_connection_that_was_cut_while_nobody_used_it_is_replaced(database: Database) -> None:
    with database.transaction() as connection:
        process = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with database.transaction() as other:
            # Cut only after it went back to its pool.
            own = other.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with database.transaction() as connection:
        connected = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        cut = process if connected == own else own
        connection.execute(text("SELECT pg_terminate_backend(:cut, 10000)"), {"cut": cut})

    for _ in range(2):
        with database.transaction() as connection, database.transaction() as other:
            assert connection.execute(text("SELECT 1")).scalar_one() == 1
            assert other.execute(text("SELECT 1")).scalar_one() == 1


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:top@secret@db.example/tasks",
        "postgresql://ann:secret@/tasks?host=db.example&port=secret",
    ],
)
def test_url_that_would_be_read_otherwise_than_it_was_meant_is_refused_unnamed(url: str) -> None:
    with pytest.raises(ValueError, match="URL") as caught:
        parse_database_url(url)

    assert "secret" not in str(caught.value)
