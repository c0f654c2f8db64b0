"""The registry on SQL: memory follows the database, whatever becomes of a commit."""

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import Connection

from multitap_registry.blobs import BlobFolder
from multitap_registry.clock import utc_now
from multitap_registry.database import Database
from multitap_registry.errors import (
    AliasConflict,
    StorageFull,
    StorageUnavailable,
    TaskNotFound,
    VersionNotFound,
)
from multitap_registry.folder import DATABASE_NAME, open_registry
from multitap_registry.memory import MemoryRegistry
from multitap_registry.reference import Reference
from multitap_registry.schema import prepare_schema
from multitap_registry.sql import SqlRegistry
from multitap_registry.staging import StagingFolder
from publishing import publish
from sample_adapters import sample_adapter


class FaultyDatabase(Database):
    """A database whose commits fail before or after they took place, on request."""

    fault: Literal["before", "after"] | None = None
    breaks = False
    readable = True

    @contextmanager
    def transaction(self) -> Generator[Connection, None, None]:
        """Run a transaction, and fail as requested."""
        if not self.readable:
            raise StorageUnavailable("unreadable on request")
        fault, self.fault = self.fault, None
        self.readable = not (fault and self.breaks)
        with super().transaction() as connection:
            yield connection
            if fault == "before":
                raise StorageFull("failed on request")
        if fault == "after":
            raise StorageUnavailable("failed on request")


@pytest.fixture
def database(folder: Path) -> FaultyDatabase:
    """Return a database of the registry below."""
    folder.mkdir()
    database = FaultyDatabase(folder / DATABASE_NAME)
    with database.transaction() as connection:
        prepare_schema(connection, place="x", at=utc_now())
    return database


@pytest.fixture
def faulty(folder: Path, database: FaultyDatabase) -> SqlRegistry:
    """Return a registry with one version of `spam`, over a database that can fail."""
    (folder / "staging").mkdir()
    staging = StagingFolder(folder / "staging", max_upload_bytes=4096)
    registry = SqlRegistry(database, BlobFolder(folder / "blobs"), staging, clock=utc_now)
    publish(registry, "spam", sample_adapter())
    return registry


def history(folder: Path) -> list[tuple[object, ...]]:
    """Return every move of every alias, in order."""
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        return connection.execute(
            "SELECT task, alias, move, by, from_version, to_version, reason"
            " FROM alias_history ORDER BY task, alias, move"
        ).fetchall()


def test_every_move_of_an_alias_is_in_its_history(folder: Path, stored: SqlRegistry) -> None:
    publish(stored, "spam", sample_adapter(1), by="ann")
    publish(stored, "spam", sample_adapter(2), by="bob", alias="live")
    stored.point("spam", "live", 1, by="cat", reason="worse on é")
    stored.point("spam", "candidate", 2, by="dan")

    assert history(folder) == [
        ("spam", "candidate", 1, "dan", None, 2, None),
        ("spam", "live", 1, "ann", None, 1, None),
        ("spam", "live", 2, "bob", 1, 2, None),
        ("spam", "live", 3, "cat", 2, 1, "worse on é"),
    ]


def test_what_did_not_move_is_not_in_the_history(folder: Path, stored: SqlRegistry) -> None:
    publish(stored, "spam", sample_adapter())
    publish(stored, "spam", sample_adapter(), alias="live")
    stored.point("spam", "live", 1, by="somebody", reason="again")
    with pytest.raises(AliasConflict):
        stored.point("spam", "live", 1, by="somebody", expected=2)

    assert len(history(folder)) == 1


def test_publish_whose_commit_failed_is_not_seen(
    faulty: SqlRegistry, database: FaultyDatabase
) -> None:
    database.fault = "before"

    with pytest.raises(StorageFull):
        publish(faulty, "spam", sample_adapter(2), alias="live")

    assert faulty.resolve(Reference("spam")).version == 1
    with pytest.raises(VersionNotFound):
        faulty.version("spam", 2)


def test_number_of_a_failed_publish_goes_to_the_next(
    faulty: SqlRegistry, database: FaultyDatabase
) -> None:
    database.fault = "before"
    with pytest.raises(StorageFull):
        publish(faulty, "spam", sample_adapter(2))

    assert publish(faulty, "spam", sample_adapter(3)).record.version == 2


def test_first_publish_whose_commit_failed_leaves_no_task(
    faulty: SqlRegistry, database: FaultyDatabase
) -> None:
    database.fault = "before"
    with pytest.raises(StorageFull):
        publish(faulty, "ham", sample_adapter())

    with pytest.raises(TaskNotFound):
        faulty.task("ham")


def test_failed_publish_can_be_tried_again_with_the_same_upload(
    faulty: SqlRegistry, database: FaultyDatabase
) -> None:
    with faulty.begin_upload() as upload:
        upload.write(sample_adapter(2))
        database.fault = "before"
        with pytest.raises(StorageFull):
            faulty.publish("spam", upload, by="anonymous")

        assert faulty.publish("spam", upload, by="anonymous").record.version == 2


def test_commit_that_took_place_and_then_failed_is_seen(
    faulty: SqlRegistry, database: FaultyDatabase
) -> None:
    database.fault = "after"

    with pytest.raises(StorageUnavailable):
        publish(faulty, "spam", sample_adapter(2), alias="live")

    assert faulty.resolve(Reference("spam")).version == 2
    assert not publish(faulty, "spam", sample_adapter(2)).created
    assert publish(faulty, "spam", sample_adapter(3)).record.version == 3


def test_move_whose_commit_failed_has_not_happened(
    faulty: SqlRegistry, database: FaultyDatabase
) -> None:
    publish(faulty, "spam", sample_adapter(2))
    database.fault = "before"

    with pytest.raises(StorageFull):
        faulty.point("spam", "live", 2, by="somebody")

    assert faulty.task("spam").live == 1


def test_reads_go_on_while_the_database_cannot_be_read(
    faulty: SqlRegistry, database: FaultyDatabase
) -> None:
    database.readable = False

    for attempt in (lambda: publish(faulty, "spam", sample_adapter(2)), faulty.check):
        with pytest.raises(StorageUnavailable):
            attempt()

    record = faulty.resolve(Reference("spam"))
    assert faulty.read_blob(record.digest) == sample_adapter()


def test_memory_is_read_anew_once_the_database_can_be_read_again(
    faulty: SqlRegistry, database: FaultyDatabase
) -> None:
    database.fault, database.breaks = "after", True
    with pytest.raises(StorageUnavailable):
        publish(faulty, "spam", sample_adapter(2), alias="live")
    assert faulty.resolve(Reference("spam")).version == 1

    database.readable = True
    faulty.check()

    assert faulty.resolve(Reference("spam")).version == 2


def test_change_on_rows_that_somebody_else_changed_is_refused_once(
    faulty: SqlRegistry, database: FaultyDatabase
) -> None:
    with closing(sqlite3.connect(database.path)) as somebody:
        somebody.execute("UPDATE tasks SET next_version = 7")
        somebody.commit()

    with pytest.raises(StorageUnavailable, match="somebody else"):
        publish(faulty, "spam", sample_adapter(2))

    assert publish(faulty, "spam", sample_adapter(2)).record.version == 7


def test_tombstone_is_hidden_and_its_number_is_not_used_again(
    folder: Path,
) -> None:
    with open_registry(folder) as registry:
        for seed in (1, 2, 3):
            publish(registry, "spam", sample_adapter(seed))
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        connection.execute("UPDATE versions SET state = 'deleted' WHERE version = 3")
        connection.commit()

    with open_registry(folder) as registry:
        assert [r.version for r in registry.versions("spam", limit=9).records] == [2, 1]
        assert registry.task("spam").versions == 2
        with pytest.raises(VersionNotFound):
            registry.resolve(Reference("spam", 3))
        with pytest.raises(VersionNotFound):
            registry.point("spam", "live", 3, by="somebody")
        again = publish(registry, "spam", sample_adapter(3))
    assert (again.created, again.record.version) == (True, 4)


def test_task_without_a_ready_version_is_hidden_and_its_numbers_go_on(folder: Path) -> None:
    with open_registry(folder) as registry:
        publish(registry, "spam", sample_adapter())
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        connection.execute("DELETE FROM aliases")
        connection.execute("UPDATE versions SET state = 'deleted'")
        connection.commit()

    with open_registry(folder) as registry:
        assert not registry.tasks(limit=9).records
        for lookup in (
            lambda: registry.task("spam"),
            lambda: registry.version("spam", 1),
            lambda: registry.resolve(Reference("spam")),
            lambda: registry.point("spam", "live", 1, by="somebody"),
        ):
            with pytest.raises(TaskNotFound):
                lookup()
        record = publish(registry, "spam", sample_adapter()).record
    assert (record.version, record.aliases) == (2, ("live",))
    assert [row[2:6] for row in history(folder)] == [
        (1, "anonymous", None, 1),
        (2, "anonymous", None, 2),
    ]


def test_stored_specification_that_cannot_be_read_is_named(folder: Path) -> None:
    with open_registry(folder) as registry:
        publish(registry, "spam", sample_adapter())
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        connection.execute("UPDATE versions SET spec = '{\"format\": 99}'")
        connection.commit()

    with (
        pytest.raises(StorageUnavailable, match="version 1 of task 'spam'"),
        open_registry(folder),
    ):
        pass


def test_upload_of_another_kind_of_registry_is_refused(stored: SqlRegistry) -> None:
    with MemoryRegistry().begin_upload() as upload:
        upload.write(sample_adapter())

        with pytest.raises(TypeError, match="upload"):
            stored.publish("spam", upload, by="anonymous")


def test_publish_leaves_nothing_in_staging(folder: Path, stored: SqlRegistry) -> None:
    publish(stored, "spam", sample_adapter())

    assert list((folder / "staging").iterdir()) == []
