"""Backups: registries of one moment, whole or not there."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from multitap_registry.blobs import BlobFolder
from multitap_registry.copies.backup import back_up
from multitap_registry.copies.errors import CopyInUse, DestinationTaken, FaultyCopy
from multitap_registry.copies.new_folder import new_folder
from multitap_registry.folder import open_beside, open_registry
from multitap_registry.sql import SqlRegistry
from publishing import publish
from registry.copies.filled_registries import fill, tables_in, tables_of
from sample_adapters import sample_adapter

EVER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return where a backup may be made."""
    return tmp_path / "backups" / "monday"


@pytest.fixture
def filled(stored: SqlRegistry) -> SqlRegistry:
    """Return a registry with a history of every sort."""
    fill(stored)
    return stored


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_backup_holds_every_row_and_every_ready_blob(filled: SqlRegistry, target: Path) -> None:
    made = back_up(filled.database, filled.blobs, target)

    assert tables_in(target) == tables_of(filled.database)
    ready = {digest_of(sample_adapter(seed)) for seed in (0, 2, 3)}
    assert {blob.digest for blob in BlobFolder(target / "blobs").blobs()} == ready
    assert (made.folder, made.last_event, made.blobs) == (target, filled.last_event(), 3)
    assert made.size_bytes == 3 * len(sample_adapter(0))
    assert [path.name for path in target.parent.iterdir()] == ["monday"]
    assert not any((target / "staging").iterdir())


def test_backup_is_a_registry_that_can_be_served(filled: SqlRegistry, target: Path) -> None:
    back_up(filled.database, filled.blobs, target)

    with open_registry(target) as copy:
        assert copy.tasks(limit=9) == filled.tasks(limit=9)
        assert copy.read_blob(digest_of(sample_adapter(3))) == sample_adapter(3)
        assert publish(copy, "spam", sample_adapter(7)).record.version == 5


def test_backup_of_an_empty_registry_is_an_empty_registry(
    stored: SqlRegistry, target: Path
) -> None:
    assert back_up(stored.database, stored.blobs, target).blobs == 0

    with open_registry(target) as copy:
        assert copy.last_event() == 0


def test_backup_is_made_beside_the_process_that_serves(
    filled: SqlRegistry, folder: Path, target: Path
) -> None:
    with open_beside(folder) as beside:
        back_up(beside.database, beside.blobs, target)

    assert tables_in(target) == tables_of(filled.database)


def test_backup_of_a_shared_database_is_a_folder(shared: SqlRegistry, target: Path) -> None:
    fill(shared)

    back_up(shared.database, shared.blobs, target)

    assert tables_in(target) == tables_of(shared.database)
    with open_registry(target) as copy:
        assert copy.tasks(limit=9) == shared.tasks(limit=9)


def test_files_of_a_backup_are_for_its_owner_only(filled: SqlRegistry, target: Path) -> None:
    back_up(filled.database, filled.blobs, target)

    modes = {path.stat().st_mode & 0o077 for path in [target, *target.rglob("*")]}
    assert modes == {0}


def test_progress_ends_with_all_bytes(filled: SqlRegistry, target: Path) -> None:
    calls: list[tuple[int, int]] = []

    made = back_up(
        filled.database,
        filled.blobs,
        target,
        progress=lambda done, total: calls.append((done, total)),
    )

    assert calls[-1] == (made.size_bytes, made.size_bytes)
    assert calls == sorted(calls)


def test_something_in_the_backups_place_is_left_as_it_is(filled: SqlRegistry, target: Path) -> None:
    target.mkdir(parents=True)
    (target / "thesis.txt").write_text("mine")

    with pytest.raises(DestinationTaken, match="monday"):
        back_up(filled.database, filled.blobs, target)

    assert (target / "thesis.txt").read_text() == "mine"
    assert [path.name for path in target.parent.iterdir()] == ["monday"]


def test_empty_folder_is_taken(filled: SqlRegistry, target: Path) -> None:
    target.mkdir(parents=True)

    assert back_up(filled.database, filled.blobs, target).blobs == 3


def test_what_a_killed_backup_left_is_removed_by_the_next(
    filled: SqlRegistry, target: Path
) -> None:
    left = target.parent / ".monday.partial" / "blobs"
    left.mkdir(parents=True)
    (left / "rest").write_text("x")

    back_up(filled.database, filled.blobs, target)

    assert [path.name for path in target.parent.iterdir()] == ["monday"]
    assert not (target / "blobs" / "rest").exists()


def test_two_backups_of_one_name_at_once_are_refused(filled: SqlRegistry, target: Path) -> None:
    with new_folder(target), pytest.raises(CopyInUse, match="monday"):
        back_up(filled.database, filled.blobs, target)

    with pytest.raises(DestinationTaken):
        back_up(filled.database, filled.blobs, target / ".." / "monday" / "..")


def test_missing_and_damaged_blobs_are_named_and_leave_no_backup(
    filled: SqlRegistry, folder: Path, target: Path
) -> None:
    missing, damaged = (digest_of(sample_adapter(seed)) for seed in (2, 3))
    for digest in (missing, damaged):
        name = digest.removeprefix("sha256:")
        path = folder / "blobs" / "sha256" / name[:2] / name
        if digest == missing:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-1] + b"\xff")

    with pytest.raises(FaultyCopy, match="the registry is not whole: 2 faults") as caught:
        back_up(filled.database, filled.blobs, target)

    assert [missing in fault or damaged in fault for fault in caught.value.faults] == [True, True]
    assert list(target.parent.iterdir()) == []


def test_blob_that_is_missing_for_good_is_named(
    filled: SqlRegistry, folder: Path, target: Path
) -> None:
    digest = digest_of(sample_adapter(0))
    assert BlobFolder(folder / "blobs").remove(digest, stored_before=EVER)

    with pytest.raises(FaultyCopy) as caught:
        back_up(filled.database, filled.blobs, target)

    assert caught.value.faults == (f"blob {digest} is missing",)


def test_altered_audit_line_is_named(filled: SqlRegistry, target: Path) -> None:
    with filled.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE audit SET reason = 'x' WHERE seq = 3")

    with pytest.raises(FaultyCopy) as caught:
        back_up(filled.database, filled.blobs, target)

    assert [fault.split(":")[0] for fault in caught.value.faults] == ["audit_line"]


def test_blob_that_is_collected_meanwhile_needs_a_newer_snapshot_only(
    filled: SqlRegistry, folder: Path, target: Path
) -> None:
    digest = digest_of(sample_adapter(3))
    collected: list[bool] = []

    def collect(_done: int, _total: int) -> None:
        if not collected:
            filled.delete_version("spam", 4, by="cat")
            publish(filled, "late", sample_adapter(8))
            collected.append(BlobFolder(folder / "blobs").remove(digest, stored_before=EVER))

    made = back_up(filled.database, filled.blobs, target, progress=collect)

    assert collected == [True]
    assert tables_in(target) == tables_of(filled.database)
    ready = {digest_of(sample_adapter(seed)) for seed in (0, 2, 8)}
    assert {blob.digest for blob in BlobFolder(target / "blobs").blobs()} == ready
    assert made.last_event == filled.last_event()
