"""One task with its history as one folder, and back."""

import hashlib
import os
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pytest

from multitap_registry.blobs import BlobFolder
from multitap_registry.clock import Clock
from multitap_registry.contract import GENESIS, Registry, line_hash
from multitap_registry.copies.errors import DestinationTaken, FaultyCopy, TaskTooLarge
from multitap_registry.copies.task_document import MAX_DOCUMENT_BYTES
from multitap_registry.copies.task_export import TaskExport, export_task
from multitap_registry.copies.task_import import TaskImport, import_task
from multitap_registry.errors import (
    InvalidReference,
    StorageFull,
    TaskNameTaken,
    TaskNotFound,
)
from multitap_registry.folder import open_beside, open_registry
from multitap_registry.memory import MemoryRegistry
from multitap_registry.reference import Reference
from multitap_registry.sql import SqlRegistry
from publishing import publish
from registry.copies.filled_registries import fill
from sample_adapters import sample_adapter

LIMIT = 64 * 1024
EVER = datetime(2100, 1, 1, tzinfo=UTC)

AnyRegistry: TypeAlias = MemoryRegistry | SqlRegistry


@pytest.fixture
def source(tmp_path: Path, clock: Clock) -> Generator[SqlRegistry]:
    """Return a registry with a history of every sort."""
    with open_registry(tmp_path / "source", clock=clock) as opened:
        fill(opened)
        yield opened


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return where a folder may be made."""
    return tmp_path / "out" / "spam"


@pytest.fixture
def exported(source: SqlRegistry, out: Path) -> TaskExport:
    """Return what was exported to `out`."""
    return export_task(source, "spam", out)


@pytest.fixture
def target(registry: Registry) -> AnyRegistry:
    """Return an empty registry of each kind in turn."""
    assert isinstance(registry, MemoryRegistry | SqlRegistry)
    return registry


def take(registry: AnyRegistry, folder: Path, name: str | None = None) -> TaskImport:
    return import_task(
        registry, folder, by="mover", max_upload_bytes=LIMIT, name=name, reason="moved"
    )


def files_in(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_folder_holds_a_document_and_the_files_of_ready_versions(
    exported: TaskExport, out: Path
) -> None:
    found = files_in(out)

    document = found.pop("task.json")
    assert exported.digest == f"sha256:{hashlib.sha256(document).hexdigest()}"
    assert found == {
        f"versions/{number}.safetensors": sample_adapter(number - 1) for number in (1, 3, 4)
    }
    assert exported.size_bytes == 3 * len(sample_adapter(0))


def test_imported_task_is_the_one_that_was_exported(
    source: SqlRegistry, exported: TaskExport, out: Path, target: AnyRegistry
) -> None:
    done = take(target, out)

    assert target.copy_task("spam") == source.copy_task("spam") == exported.copy
    assert done.digest == exported.digest
    assert target.task("spam") == source.task("spam")
    assert target.versions("spam", limit=9) == source.versions("spam", limit=9)
    for alias in ("live", "candidate"):
        assert target.history("spam", alias) == source.history("spam", alias)
    for record in target.versions("spam", limit=9).records:
        assert target.read_blob(record.digest) == sample_adapter(record.version - 1)


def test_import_is_one_event_and_one_audit_line_with_the_documents_digest(
    exported: TaskExport, out: Path, target: AnyRegistry
) -> None:
    publish(target, "other", sample_adapter(7))
    before = target.last_event()
    told: list[int] = []
    target.subscribe(told.append)

    take(target, out)

    (event,) = target.events(after=before, limit=9)
    assert (event.type, event.task, event.by) == ("task.imported", "spam", "mover")
    assert (event.version, event.alias) == (None, None)
    *_, line = target.audit(after=0, limit=99)
    assert (line.entry.action, line.entry.by, line.entry.reason) == (
        "task.imported",
        "mover",
        "moved",
    )
    assert (line.entry.new_digest, line.entry.old_digest) == (exported.digest, None)
    assert told == [before + 1]
    head = GENESIS
    for each in target.audit(after=0, limit=99):
        assert each.previous == head
        assert each.hash == line_hash(each.seq, each.entry, head)
        head = each.hash


def test_imported_task_goes_on_with_its_numbers_and_histories(
    exported: TaskExport,  # noqa: ARG001 (makes the folder)
    out: Path,
    target: AnyRegistry,
) -> None:
    take(target, out)

    assert publish(target, "spam", sample_adapter(8)).record.version == 5
    assert not publish(target, "spam", sample_adapter(2)).created
    assert publish(target, "spam", sample_adapter(1)).record.version == 6
    target.point("spam", "candidate", 5, by="ann")
    assert [move.move for move in target.history("spam", "candidate")] == [1, 2, 3]
    target.point("spam", "live", 4, by="ann")
    assert target.rollback("spam", "live", by="ann").version == 1


def test_task_is_imported_under_another_name(
    source: SqlRegistry, exported: TaskExport, out: Path, target: AnyRegistry
) -> None:
    take(target, out, "spam-2")

    assert target.copy_task("spam-2") == source.copy_task("spam").renamed("spam-2")
    assert target.resolve(Reference("spam-2")).task == "spam-2"
    with pytest.raises(TaskNotFound):
        target.task("spam")
    assert target.audit(after=0, limit=9)[0].entry.new_digest == exported.digest


def test_export_of_what_was_imported_is_the_same_to_the_byte(
    exported: TaskExport,  # noqa: ARG001 (makes the folder)
    out: Path,
    tmp_path: Path,
) -> None:
    with open_registry(tmp_path / "target") as target:
        take(target, out)
        export_task(target, "spam", tmp_path / "again")

    assert files_in(tmp_path / "again") == files_in(out)


def test_deleted_task_keeps_its_numbers_burnt_where_it_is_imported(
    source: SqlRegistry, out: Path, target: AnyRegistry
) -> None:
    export_task(source, "gone", out)

    take(target, out)

    with pytest.raises(TaskNotFound):
        target.task("gone")
    assert publish(target, "gone", sample_adapter(1)).record.version == 2


def test_name_that_was_ever_used_is_refused(
    exported: TaskExport,  # noqa: ARG001 (makes the folder)
    out: Path,
    target: AnyRegistry,
) -> None:
    publish(target, "spam", sample_adapter(1))
    target.delete_task("spam", by="ann", force=True)
    before = target.last_event()

    with pytest.raises(TaskNameTaken, match="'spam'"):
        take(target, out)

    assert target.last_event() == before
    assert take(target, out, "ham").state.task == "ham"
    with pytest.raises(TaskNameTaken, match="'ham'"):
        take(target, out, "ham")


def test_names_that_break_the_grammar_are_refused(
    source: SqlRegistry, exported: TaskExport, out: Path, tmp_path: Path
) -> None:
    assert exported.copy.state.task == "spam"
    with pytest.raises(InvalidReference):
        take(MemoryRegistry(), out, "../spam")
    with pytest.raises(InvalidReference):
        export_task(source, "../spam", tmp_path / "x")
    with pytest.raises(TaskNotFound):
        export_task(source, "never", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_task_whose_document_no_reader_takes_is_refused(source: SqlRegistry, out: Path) -> None:
    reason = "x" * MAX_DOCUMENT_BYTES
    source.point("spam", "live", 4, by="ann", reason=reason)

    with pytest.raises(TaskTooLarge, match=f"expected at most {MAX_DOCUMENT_BYTES}"):
        export_task(source, "spam", out)

    assert list(out.parent.iterdir()) == []


def test_existing_folder_is_left_as_it_is(source: SqlRegistry, out: Path) -> None:
    out.mkdir(parents=True)
    (out / "mine").touch()

    with pytest.raises(DestinationTaken):
        export_task(source, "spam", out)

    assert files_in(out) == {"mine": b""}


def test_task_is_imported_beside_a_server_which_shows_it(
    exported: TaskExport, out: Path, tmp_path: Path
) -> None:
    with open_registry(tmp_path / "target") as server:
        publish(server, "other", sample_adapter(7))
        with open_beside(tmp_path / "target") as beside:
            take(beside, out)
        server.catch_up()

        assert server.copy_task("spam") == exported.copy
        assert publish(server, "spam", sample_adapter(8)).record.version == 5


def test_failed_import_changes_nothing_and_can_be_repeated(exported: TaskExport, out: Path) -> None:
    registry = MemoryRegistry()
    registry.failure = StorageFull("full")

    with pytest.raises(StorageFull):
        take(registry, out)
    registry.failure = None

    assert (registry.last_event(), take(registry, out).digest) == (0, exported.digest)


def test_damaged_blob_is_named_and_leaves_no_folder(
    source: SqlRegistry, out: Path, tmp_path: Path
) -> None:
    for path in (tmp_path / "source" / "blobs" / "sha256").rglob("*"):
        if path.is_file() and path.read_bytes() == sample_adapter(3):
            path.write_bytes(b"x")

    with pytest.raises(FaultyCopy, match="task 'spam' is not whole: 1 fault"):
        export_task(source, "spam", out)

    assert list(out.parent.iterdir()) == []


def test_version_that_is_collected_meanwhile_is_a_tombstone_in_the_folder(
    source: SqlRegistry, out: Path, tmp_path: Path
) -> None:
    blobs = BlobFolder(tmp_path / "source" / "blobs")
    removed: list[bool] = []

    def collect(_done: int, _total: int) -> None:
        if not removed:
            record = source.delete_version("spam", 4, by="cat")
            removed.append(blobs.remove(record.digest, stored_before=EVER))

    done = export_task(source, "spam", out, progress=collect)

    assert removed == [True]
    assert done.copy == source.copy_task("spam")
    assert sorted(files_in(out)) == [
        "task.json",
        "versions/1.safetensors",
        "versions/3.safetensors",
    ]
    assert take(MemoryRegistry(), out).state.versions[4].state == "deleted"


def test_blobs_that_are_collected_before_their_rows_are_stored_again(
    exported: TaskExport, out: Path, tmp_path: Path
) -> None:
    with open_registry(tmp_path / "target") as target:
        collector = BlobFolder(tmp_path / "target" / "blobs")
        removed: list[bool] = []

        def collect(done: int, total: int) -> None:
            if done == total and not removed:
                first = exported.copy.state.versions[1].digest
                removed.append(collector.remove(first, stored_before=EVER))

        import_task(target, out, by="mover", max_upload_bytes=LIMIT, progress=collect)

        assert removed == [True]
        assert target.read_blob(exported.copy.state.versions[1].digest) == sample_adapter(0)


def test_folder_is_for_its_owner_only(exported: TaskExport, out: Path) -> None:
    assert exported.copy.state.task == "spam"
    assert {path.stat().st_mode & 0o077 for path in [out, *out.rglob("*")]} == {0}


def test_links_and_pipes_are_not_followed(exported: TaskExport, out: Path, tmp_path: Path) -> None:
    assert exported.copy.state.task == "spam"
    moved = tmp_path / "moved.safetensors"
    (out / "versions" / "1.safetensors").rename(moved)
    (out / "versions" / "1.safetensors").symlink_to(moved)
    (out / "versions" / "3.safetensors").unlink()
    os.mkfifo(out / "versions" / "3.safetensors")

    with pytest.raises(FaultyCopy) as caught:
        take(MemoryRegistry(), out)

    assert caught.value.faults == (
        "versions/1.safetensors: cannot be opened: too many levels of symbolic links",
        "versions/3.safetensors: is no file",
    )
