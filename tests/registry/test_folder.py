"""A folder as a registry: made, opened again, and open only once."""

import subprocess
import sys
from pathlib import Path

import pytest

from multitap_registry.errors import CorruptBlob, RegistryLocked, StorageUnavailable
from multitap_registry.folder import DATABASE_NAME, open_registry
from multitap_registry.lock import LOCK_NAME
from multitap_registry.reference import Reference
from publishing import publish
from sample_adapters import sample_adapter

HOLD_LOCK = """
import pathlib, sys
from multitap_registry.folder import open_registry

with open_registry(pathlib.Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.read()
"""


def test_new_folder_holds_what_the_layout_says(folder: Path) -> None:
    with open_registry(folder):
        names = {path.name for path in folder.iterdir()}

    assert names == {DATABASE_NAME, LOCK_NAME, "blobs", "sessions", "staging"}


def test_everything_in_the_folder_is_for_its_owner_only(folder: Path) -> None:
    with open_registry(folder) as registry:
        publish(registry, "spam", sample_adapter())

    modes = {path: path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*"))}
    assert not any(modes.values()), modes


def test_reopened_registry_knows_everything(folder: Path) -> None:
    with open_registry(folder) as registry:
        for seed in range(3):
            publish(registry, "spam", sample_adapter(seed, labels=("é", "'%_")), alias="candidate")
        registry.point("spam", "live", 2, by="somebody", reason="better")
        publish(registry, "ham", sample_adapter())
        before = registry.tasks(limit=9), registry.versions("spam", limit=9)

    with open_registry(folder) as registry:
        assert (registry.tasks(limit=9), registry.versions("spam", limit=9)) == before
        for record in before[1].records:
            assert len(registry.read_blob(record.digest)) == record.size_bytes


def test_numbers_go_on_after_reopening(folder: Path) -> None:
    for seed in range(3):
        with open_registry(folder) as registry:
            assert publish(registry, "spam", sample_adapter(seed)).record.version == seed + 1


def test_same_bytes_are_known_after_reopening(folder: Path) -> None:
    with open_registry(folder) as registry:
        publish(registry, "spam", sample_adapter())

    with open_registry(folder) as registry:
        assert not publish(registry, "spam", sample_adapter()).created


def test_second_opener_in_this_process_is_refused_by_name(folder: Path) -> None:
    with open_registry(folder) as registry:
        with pytest.raises(RegistryLocked) as caught, open_registry(folder):
            pass
        publish(registry, "spam", sample_adapter())

    assert caught.value.folder == folder
    assert str(folder) in str(caught.value)


def test_second_process_is_refused_until_the_first_ends(folder: Path) -> None:
    with subprocess.Popen(  # noqa: S603 - this interpreter and a script from above
        [sys.executable, "-c", HOLD_LOCK, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(RegistryLocked), open_registry(folder):
            pass
        holder.kill()

    with open_registry(folder) as registry:
        publish(registry, "spam", sample_adapter())


def test_refused_opener_leaves_the_staged_uploads_of_the_first(folder: Path) -> None:
    with open_registry(folder) as registry, registry.begin_upload() as upload:
        upload.write(sample_adapter())
        with pytest.raises(RegistryLocked), open_registry(folder):
            pass

        assert registry.publish("spam", upload, by="anonymous").created


def test_staged_files_of_a_killed_process_are_removed_on_opening(folder: Path) -> None:
    with open_registry(folder):
        pass
    (folder / "staging" / "stale").write_bytes(b"half an upload")

    with open_registry(folder):
        assert list((folder / "staging").iterdir()) == []


def test_blob_without_a_row_is_no_obstacle(folder: Path) -> None:
    with open_registry(folder) as registry:
        digest = publish(registry, "spam", sample_adapter()).record.digest
    (folder / DATABASE_NAME).unlink()

    with open_registry(folder) as registry:
        assert publish(registry, "spam", sample_adapter()).record.version == 1
        assert registry.read_blob(digest) == sample_adapter()


def test_publishing_again_repairs_a_blob_that_was_lost(folder: Path) -> None:
    with open_registry(folder) as registry:
        digest = publish(registry, "spam", sample_adapter()).record.digest
        for path in (folder / "blobs").rglob(digest.removeprefix("sha256:")):
            path.unlink()
        with pytest.raises(CorruptBlob):
            registry.read_blob(digest)

        assert not publish(registry, "spam", sample_adapter()).created
        assert registry.read_blob(digest) == sample_adapter()


def test_closed_registry_takes_no_changes(folder: Path) -> None:
    with open_registry(folder) as registry:
        publish(registry, "spam", sample_adapter())

    with pytest.raises(StorageUnavailable, match="closed"):
        publish(registry, "spam", sample_adapter(2))
    with pytest.raises(StorageUnavailable, match="closed"):
        registry.point("spam", "candidate", 1, by="somebody")
    with pytest.raises(StorageUnavailable, match="closed"):
        registry.check()
    assert registry.resolve(Reference("spam")).version == 1


def test_lock_is_free_after_a_failed_opening(folder: Path) -> None:
    with open_registry(folder):
        pass
    good = (folder / DATABASE_NAME).read_bytes()
    (folder / DATABASE_NAME).write_bytes(b"damaged " * 1000)
    with pytest.raises(StorageUnavailable), open_registry(folder):
        pass
    (folder / DATABASE_NAME).write_bytes(good)

    with open_registry(folder) as registry:
        registry.check()


def test_lock_is_free_after_an_error_of_the_user(folder: Path) -> None:
    with pytest.raises(KeyError), open_registry(folder):
        raise KeyError

    with open_registry(folder) as registry:
        registry.check()


def test_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StorageUnavailable), open_registry(tmp_path / "file" / "registry"):
        pass


def test_relative_folder_is_the_same_wherever_the_process_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_registry(Path("registry")) as registry:
        monkeypatch.chdir("/")
        digest = publish(registry, "spam", sample_adapter()).record.digest

        assert registry.read_blob(digest) == sample_adapter()
