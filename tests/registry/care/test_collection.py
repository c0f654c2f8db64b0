"""Garbage collection: what goes, what stays, and what happens beside publishes."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from multitap_registry.blobs import Blob
from multitap_registry.blobs.addresses import blob_address
from multitap_registry.care import DEFAULT_GRACE, collect, find_orphans
from multitap_registry.contract import VersionRecord
from multitap_registry.errors import StorageUnavailable
from multitap_registry.folder import RegistryParts, open_parts, open_registry
from multitap_registry.sql import SqlRegistry
from opened_twice import Pair
from publishing import publish
from sample_adapters import sample_adapter

FAR_AHEAD = datetime(2100, 1, 1, tzinfo=UTC)
ROUNDS = 15


def collect_all(parts: RegistryParts | SqlRegistry, *, stored_before: datetime) -> Sequence[Blob]:
    """Collect every orphan from before a time, and return what went."""
    orphans = find_orphans(parts.database, parts.blobs)
    return list(collect(parts.database, parts.blobs, orphans, stored_before=stored_before))


def grow_old(folder: Path, digest: str, age: timedelta) -> None:
    """Let a blob have been stored some time ago."""
    at = (datetime.now(UTC) - age).timestamp()
    os.utime(folder / "blobs" / blob_address(digest), (at, at))


def test_file_of_a_deleted_version_goes_and_no_other(parts: RegistryParts) -> None:
    before = {blob.digest for blob in parts.blobs.blobs()}

    (removed,) = collect_all(parts, stored_before=FAR_AHEAD)

    assert {blob.digest for blob in parts.blobs.blobs()} == before - {removed.digest}
    assert collect_all(parts, stored_before=FAR_AHEAD) == []


def test_invariant_7_orphans_stay_for_the_grace_period_and_go_after_it(
    parts: RegistryParts, lived: Path
) -> None:
    (orphan,) = find_orphans(parts.database, parts.blobs)
    grow_old(lived, orphan.digest, DEFAULT_GRACE - timedelta(minutes=1))

    assert collect_all(parts, stored_before=datetime.now(UTC) - DEFAULT_GRACE) == []

    grow_old(lived, orphan.digest, DEFAULT_GRACE + timedelta(minutes=1))
    removed = collect_all(parts, stored_before=datetime.now(UTC) - DEFAULT_GRACE)
    assert [blob.digest for blob in removed] == [orphan.digest]


def test_invariant_7_file_that_a_version_needs_never_goes_whoever_asks(
    parts: RegistryParts,
) -> None:
    everything = sorted(parts.blobs.blobs(), key=lambda blob: blob.digest)
    orphans = find_orphans(parts.database, parts.blobs)

    removed = collect(parts.database, parts.blobs, everything, stored_before=FAR_AHEAD)

    assert list(removed) == orphans


def test_invariant_7_file_that_was_published_again_since_it_was_an_orphan_stays(
    lived: Path,
) -> None:
    with open_registry(lived) as server, open_parts(lived) as parts:
        orphans = find_orphans(parts.database, parts.blobs)
        digest = publish(server, "again", sample_adapter(1)).record.digest
        assert [orphan.digest for orphan in orphans] == [digest]

        assert list(collect(parts.database, parts.blobs, orphans, stored_before=FAR_AHEAD)) == []
        assert server.read_blob(digest) == sample_adapter(1)


def test_file_that_two_tasks_share_stays_for_the_one_that_is_left(lived: Path) -> None:
    with open_registry(lived) as server:
        server.delete_task("ham", by="ann", force=True)
        collect_all(server, stored_before=FAR_AHEAD)

        assert server.read_blob(server.version("spam", 1).digest) == sample_adapter(0)


def publish_at_last(registry: SqlRegistry, task: str) -> VersionRecord:
    """Publish, again where what was sent to an object store was gone before it was looked at.

    That needs a grace period of none, and is an error that clients try again.
    """
    while True:
        with suppress(StorageUnavailable):
            return publish(registry, task, sample_adapter()).record


@pytest.mark.parametrize("kind", ["in_a_folder", "shared_store"])
def test_invariant_7_no_ready_version_is_without_its_file_beside_a_collector_without_grace(
    request: pytest.FixtureRequest, kind: str
) -> None:
    pair: Pair = request.getfixturevalue(kind)
    done = threading.Event()

    def publish_and_delete(task: str) -> None:
        for _ in range(ROUNDS):
            record = publish_at_last(pair.server, task)
            assert pair.beside.blobs.stat(record.digest) is not None
            assert pair.server.read_blob(record.digest) == sample_adapter()
            pair.server.delete_task(task, by="ann", force=True)

    def collect_on() -> int:
        removed = 0
        while not done.is_set():
            removed += len(collect_all(pair.beside, stored_before=FAR_AHEAD))
        return removed

    with ThreadPoolExecutor() as threads:
        collecting = threads.submit(collect_on)
        publishing = [threads.submit(publish_and_delete, task) for task in ("spam", "ham")]
        try:
            for each in publishing:
                each.result()
        finally:
            done.set()
        assert collecting.result() > 0
