"""A backup that is made while others publish, move, delete and collect without a pause."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from multitap_registry.blobs import BlobFolder
from multitap_registry.care import collect, find_orphans, verify
from multitap_registry.contract import Event, Registry
from multitap_registry.copies.backup import back_up
from multitap_registry.copies.blob_copies import no_progress
from multitap_registry.errors import RegistryError
from multitap_registry.folder import DATABASE_NAME, open_parts, open_registry
from multitap_registry.sql import SqlRegistry
from multitap_registry.sqlite import sqlite_database
from publishing import publish
from registry.copies.filled_registries import Tables, tables_in, tables_of
from sample_adapters import sample_adapter

BACKUPS = 4
PAUSE_S = 0.3
EVER = datetime(2100, 1, 1, tzinfo=UTC)


@contextmanager
def going_on(*steps: Callable[[int], None]) -> Generator[None]:
    """Run each of the steps in a thread of its own, again and again, until the block ends."""
    ending = threading.Event()
    failures: list[BaseException] = []

    def run(step: Callable[[int], None]) -> None:
        try:
            for number in count():
                if ending.is_set():
                    return
                step(number)
        except BaseException as error:  # noqa: BLE001 (shown by the test)
            failures.append(error)

    threads = [threading.Thread(target=run, args=[step]) for step in steps]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ending.set()
        for thread in threads:
            thread.join()
    assert failures == []


def ready_after(events: list[Event]) -> set[tuple[str, int]]:
    """Return the versions that are ready once these events have happened."""
    ready: set[tuple[str, int]] = set()
    for event in events:
        if event.version is None:
            continue
        if event.type == "version.published":
            ready.add((event.task, event.version))
        if event.type == "version.deleted":
            ready.remove((event.task, event.version))
    return ready


def check_copy(folder: Path, source: Registry, tables: Tables) -> int:
    """Check that a backup is whole, and is its source at one event; return that event's number."""
    copy = sqlite_database(folder / DATABASE_NAME)
    try:
        report = verify(copy, BlobFolder(folder / "blobs"), no_progress)
    finally:
        copy.close()
    assert (report.findings, report.orphans) == ((), ())
    rows = tables_in(folder)
    for log in ("events", "audit", "alias_history"):
        assert set(rows[log]) <= set(tables[log])
    with open_registry(folder) as registry:
        last = registry.last_event()
        events = list(registry.events(after=0, limit=99_999))
        assert events == source.events(after=0, limit=last)
        ready = {
            (task.task, record.version)
            for task in registry.tasks(limit=99).records
            for record in registry.versions(task.task, limit=99_999).records
        }
    assert ready == ready_after(events)
    return last


@pytest.mark.parametrize("kind", ["stored", "shared"])
def test_every_backup_is_whole_and_is_the_registry_at_one_event(
    request: pytest.FixtureRequest, kind: str, folder: Path, tmp_path: Path
) -> None:
    registry: SqlRegistry = request.getfixturevalue(kind)
    url = request.getfixturevalue("database_url") if kind == "shared" else None
    removed: list[str] = []
    publish(registry, "spam", sample_adapter(0))

    def change(number: int) -> None:
        version = publish(registry, "spam", sample_adapter(1 + number % 40)).record.version
        if number % 3:
            registry.point("spam", "live", version, by="ann")
        for record in registry.versions("spam", limit=99).records[6:]:
            if not record.aliases:
                registry.delete_version("spam", record.version, by="cat")

    def collect_some(_: int) -> None:
        with open_parts(folder, database=url) as parts:
            found = list(find_orphans(parts.database, parts.blobs))
            gone = collect(parts.database, parts.blobs, found, stored_before=EVER)
            removed.extend(blob.digest for blob in gone)
        # A copy has a few snapshots to win the race, also on a machine that does much else.
        time.sleep(PAUSE_S)

    made: list[Path] = []
    with open_parts(folder, database=url) as parts, going_on(change, collect_some):
        for number in range(BACKUPS):
            made.append(tmp_path / f"backup-{number}")
            back_up(parts.database, parts.blobs, made[-1])

    tables = tables_of(registry.database)
    ends = [check_copy(each, registry, tables) for each in made]
    assert ends == sorted(ends)
    assert ends[0] < ends[-1]
    assert removed


def test_server_goes_on_while_a_backup_copies_blobs(
    stored: SqlRegistry, folder: Path, tmp_path: Path
) -> None:
    publish(stored, "spam", sample_adapter(0))
    failures: list[RegistryError] = []

    def change_between(_done: int, _total: int) -> None:
        # A reader that kept its transaction would make this commit wait, and then fail.
        try:
            publish(stored, "ham", sample_adapter(1))
        except RegistryError as error:
            failures.append(error)

    with open_parts(folder) as parts:
        made = back_up(parts.database, parts.blobs, tmp_path / "backup", progress=change_between)

    assert failures == []
    assert (made.blobs, made.last_event) == (1, 2)
    assert stored.last_event() == 4
