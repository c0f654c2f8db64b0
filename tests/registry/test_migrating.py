"""Databases of every earlier schema: brought up to date with all they hold, and back again."""

import sqlite3
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from multitap_registry.contract import GENESIS, Registry, line_hash
from multitap_registry.database import Database
from multitap_registry.errors import UnsupportedSchema
from multitap_registry.folder import DATABASE_NAME, open_registry
from multitap_registry.migrating import (
    SCHEMA_VERSION,
    downgrade_schema,
    find_schema,
    prepare_schema,
    upgrade_schema,
)
from multitap_registry.postgresql import parse_database_url, postgresql_database
from multitap_registry.schema import METADATA
from multitap_registry.sqlite import sqlite_database
from publishing import publish
from sample_adapters import sample_adapter

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SCHEMA_1 = Path(__file__).parent / "schemas" / "schema_1.sql"


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, folder: Path) -> Generator[Database, None, None]:
    """Return an empty database of each kind in turn."""
    if request.param == "sqlite":
        folder.mkdir()
        database = sqlite_database(folder / DATABASE_NAME)
    else:
        url: str = request.getfixturevalue("new_database_url")
        database = postgresql_database(parse_database_url(url))
    yield database
    database.close()


@pytest.fixture
def old(database: Database) -> Database:
    """Return a database of schema 1, with three versions of `spam`, one of `ham`, six moves."""
    with database.transaction() as connection:
        if connection.dialect.name == "sqlite":
            make_schema_1(connection)
        else:
            # No release with schema 1 knew PostgreSQL; its tables are those of the first step.
            upgrade_schema(connection, to=1, at=NOON)
            connection.execute(text("DELETE FROM meta"))
        # The driver's own cursor takes no % in a text for a parameter.
        cursor = connection.connection.cursor()
        for line in SCHEMA_1.read_text().splitlines():
            if line.startswith("INSERT"):
                cursor.execute(line)
        cursor.close()
    return database


@pytest.fixture
def old_folder(folder: Path) -> Path:
    """Return a registry's folder as the release with schema 1 left it."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        connection.executescript(SCHEMA_1.read_text())
    return folder


def make_schema_1(connection: Connection) -> None:
    """Make the tables as the release with schema 1 did."""
    statement = ""
    for line in SCHEMA_1.read_text().splitlines(keepends=True):
        if not line.startswith(("--", "INSERT")):
            statement += line
            if sqlite3.complete_statement(statement):
                connection.exec_driver_sql(statement)
                statement = ""


def upgrade_and_fail(database: Database) -> None:
    """Bring a database up to date, and raise KeyError before that is committed."""
    with database.transaction() as connection:
        prepare_schema(connection, place="x", at=NOON)
        raise KeyError


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table."""
    with database.snapshot() as connection:
        return {
            table: sorted(
                (tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))),  # noqa: S608
                key=repr,
            )
            for table in inspect(connection).get_table_names()
        }


def test_steps_lead_to_the_tables_that_are_used(database: Database) -> None:
    with database.transaction() as connection:
        prepare_schema(connection, place="x", at=NOON)
        context = MigrationContext.configure(connection)

        assert compare_metadata(context, METADATA) == []
        assert find_schema(connection) == SCHEMA_VERSION


def test_tables_of_schema_1_become_the_same_as_new_ones(old: Database) -> None:
    with old.transaction() as connection:
        assert find_schema(connection) == 1
        prepare_schema(connection, place="x", at=NOON)

        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        # What a release with schema 1 looks at before it refuses.
        told = connection.execute(text("SELECT schema_version FROM meta")).scalar_one()
        assert told == SCHEMA_VERSION


def test_rows_of_schema_1_stay_as_they_were(old: Database) -> None:
    before = everything(old)
    with old.transaction() as connection:
        prepare_schema(connection, place="x", at=NOON)
    after = everything(old)

    for table in ("tasks", "versions", "aliases"):
        assert after[table] == before[table]
    assert [row[:-1] for row in after["alias_history"]] == before["alias_history"]
    assert not any(row[-1] for row in after["alias_history"])


def test_upgrade_that_fails_changes_nothing(old: Database) -> None:
    before = everything(old)

    with pytest.raises(KeyError):
        upgrade_and_fail(old)

    assert everything(old) == before


def test_first_tables_that_fail_leave_nothing(database: Database) -> None:
    with pytest.raises(KeyError):
        upgrade_and_fail(database)

    assert everything(database) == {}


def test_downgrade_gives_schema_1_with_all_that_it_has(old: Database) -> None:
    before = everything(old)
    with old.transaction() as connection:
        prepare_schema(connection, place="x", at=NOON)
    with old.transaction() as connection:
        downgrade_schema(connection, to=1, at=NOON)

    after = everything(old)
    assert after.pop("alembic_version") == [("1",)]
    before.pop("alembic_version", None)
    assert after == before


def test_downgraded_database_can_be_upgraded_again(old: Database) -> None:
    with old.transaction() as connection:
        prepare_schema(connection, place="x", at=NOON)
    before = everything(old)
    with old.transaction() as connection:
        downgrade_schema(connection, to=1, at=NOON)
        prepare_schema(connection, place="x", at=NOON)

    assert everything(old) == before


def test_folder_of_schema_1_is_opened_with_everything(old_folder: Path) -> None:
    with open_registry(old_folder) as registry:
        assert registry.task("spam").aliases == {"live": 1, "candidate": 3}
        assert [r.version for r in registry.versions("spam", limit=9).records] == [3, 2, 1]
        moves = [(m.origin, m.target, m.reason) for m in registry.history("spam", "live")]
        assert moves == [(None, 1, None), (1, 2, "better on é; it's 'so'"), (2, 1, "worse")]
        assert publish(registry, "spam", sample_adapter(9)).record.version == 4
        assert registry.rollback("spam", "live", by="eve").version == 2


def test_events_of_what_happened_under_schema_1_are_in_order(old_folder: Path) -> None:
    with open_registry(old_folder) as registry:
        events = registry.events(after=0, limit=99)

        assert registry.last_event() == len(events)
    assert [e.seq for e in events] == list(range(1, 11))
    assert [(e.task, e.type, e.version, e.alias, e.by) for e in events] == [
        ("spam", "version.published", 1, None, "ann"),
        ("spam", "alias.moved", 1, "live", "ann"),
        ("ham", "version.published", 1, None, "ann"),
        ("ham", "alias.moved", 1, "live", "ann"),
        ("spam", "version.published", 2, None, "bob"),
        ("spam", "alias.moved", 2, "candidate", "bob"),
        ("spam", "alias.moved", 2, "live", "cat"),
        ("spam", "version.published", 3, None, "bob"),
        ("spam", "alias.moved", 3, "candidate", "cat"),
        ("spam", "alias.moved", 1, "live", "dan"),
    ]


def test_audit_lines_of_schema_1_say_what_they_were_made_of_and_go_on(old_folder: Path) -> None:
    with open_registry(old_folder) as registry:
        publish(registry, "spam", sample_adapter(9))
        lines = registry.audit(after=0, limit=99)
        digests = {n: registry.version("spam", n).digest for n in (1, 2)}

    assert {line.entry.request_id for line in lines[:10]} == {"upgrade-to-schema-2"}
    assert lines[10].entry.request_id is None
    moved = lines[9].entry
    assert (moved.old_digest, moved.new_digest) == (digests[2], digests[1])
    assert moved.reason == "worse"
    assert [line.previous for line in lines] == [GENESIS, *(line.hash for line in lines[:-1])]
    assert all(line.hash == line_hash(line.seq, line.entry, line.previous) for line in lines)


def test_database_of_a_newer_release_is_refused_without_its_password(
    tmp_path: Path, new_database_url: str
) -> None:
    url = new_database_url.replace("multitap@", "multitap:secret@") + "&sslpassword=secret"
    with open_registry(tmp_path / "a", database=url):
        pass
    database = postgresql_database(parse_database_url(url))
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '99'"))
    database.close()

    with pytest.raises(UnsupportedSchema) as caught, open_registry(tmp_path / "a", database=url):
        pass

    assert (caught.value.found, caught.value.supported) == (99, SCHEMA_VERSION)
    assert "secret" not in str(caught.value)


def test_servers_that_start_at_once_on_an_empty_database_both_work(
    tmp_path: Path, new_database_url: str
) -> None:
    def start(name: str) -> Registry:
        with open_registry(tmp_path / name, database=new_database_url) as registry:
            publish(registry, name, sample_adapter(1))
            return registry

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(start, ["a", "b"]))

    with open_registry(tmp_path / "c", database=new_database_url) as registry:
        assert [task.task for task in registry.tasks(limit=9).records] == ["a", "b"]
