"""Commits that fail: memory follows the database, whatever became of them."""

import sqlite3
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
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
from multitap_registry.folder import DATABASE_NAME
from multitap_registry.migrating import prepare_schema
from multitap_registry.reference import Reference
from multitap_registry.sessions import SessionLimits, UploadSessions
from multitap_registry.sessions.folder import SessionFolder
from multitap_registry.sql import SqlRegistry
from multitap_registry.sqlite import sqlite_engines
from multitap_registry.staging import StagingFolder
from publishing import publish
from sample_adapters import sample_adapter


class FaultyDatabase(Database):
    """A database whose commits fail before or after they took place, on request."""

    fault: Literal["before", "after"] | None = None
    breaks = False
    readable = True
    at_once = 0
    most_at_once = 0

    @contextmanager
    def transaction(self) -> Generator[Connection, None, None]:
        """Run a transaction, count those that run at once, and fail as requested."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            with self._transaction() as connection:
                yield connection
        finally:
            self.at_once -= 1

    @contextmanager
    def snapshot(self) -> Generator[Connection, None, None]:
        """Read, unless nothing can be read."""
        if not self.readable:
            raise StorageUnavailable("unreadable on request")
        with super().snapshot() as connection:
            yield connection

    @contextmanager
    def _transaction(self) -> Generator[Connection, None, None]:
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
    database = FaultyDatabase(*sqlite_engines(folder / DATABASE_NAME))
    with database.transaction() as connection:
        prepare_schema(connection, place="x", at=utc_now())
    return database


@pytest.fixture
def faulty(folder: Path, database: FaultyDatabase) -> SqlRegistry:
    """Return a registry with one version of `spam`, over a database that can fail."""
    (folder / "staging").mkdir()
    staging = StagingFolder(folder / "staging", max_upload_bytes=4096)
    sessions = UploadSessions(
        SessionFolder(folder / "staging", max_upload_bytes=4096),
        SessionLimits(),
        max_upload_bytes=4096,
        clock=utc_now,
    )
    registry = SqlRegistry(
        database, BlobFolder(folder / "blobs"), staging, sessions=sessions, clock=utc_now
    )
    publish(registry, "spam", sample_adapter())
    return registry


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
    folder: Path, faulty: SqlRegistry
) -> None:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as somebody:
        somebody.execute("UPDATE tasks SET next_version = 7")
        somebody.commit()

    with pytest.raises(StorageUnavailable, match="somebody else"):
        publish(faulty, "spam", sample_adapter(2))

    assert publish(faulty, "spam", sample_adapter(2)).record.version == 7


def test_move_of_an_alias_that_somebody_else_moved_is_refused_once(
    folder: Path, faulty: SqlRegistry
) -> None:
    for seed in (2, 3):
        publish(faulty, "spam", sample_adapter(seed))
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as somebody:
        somebody.execute("UPDATE aliases SET version = 2")
        somebody.commit()

    with pytest.raises(StorageUnavailable, match="somebody else"):
        faulty.point("spam", "live", 3, by="me", expected=1)

    with pytest.raises(AliasConflict):
        faulty.point("spam", "live", 3, by="me", expected=1)
    assert faulty.point("spam", "live", 3, by="me", expected=2).version == 3


def test_changes_are_committed_one_at_a_time(faulty: SqlRegistry, database: FaultyDatabase) -> None:
    def publish_some(first_seed: int) -> None:
        for seed in range(first_seed, first_seed + 5):
            publish(faulty, "spam", sample_adapter(seed))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(publish_some, (10, 20, 30, 40)))

    assert database.most_at_once == 1
    assert faulty.task("spam").versions == 21
