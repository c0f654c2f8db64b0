"""Uploads on disk: private, and gone when they are not kept."""

import os
from collections.abc import Generator
from pathlib import Path, PosixPath
from typing import Self

import pytest

from multitap_adapters.file import AdapterFileError
from multitap_registry.errors import StorageUnavailable
from multitap_registry.staging import StagingFolder
from sample_adapters import sample_adapter


@pytest.fixture
def staging(tmp_path: Path) -> StagingFolder:
    """Return an empty staging folder."""
    (tmp_path / "staging").mkdir()
    return StagingFolder(tmp_path / "staging", max_upload_bytes=4096)


def staged(tmp_path: Path) -> list[Path]:
    """Return the files of the staging folder."""
    return list((tmp_path / "staging").iterdir())


def test_staged_file_is_for_its_owner_only(staging: StagingFolder, tmp_path: Path) -> None:
    with staging.begin_upload():
        (path,) = staged(tmp_path)

        assert path.stat().st_mode & 0o777 == 0o600


def test_upload_that_is_not_kept_is_removed_on_exit(staging: StagingFolder, tmp_path: Path) -> None:
    with staging.begin_upload() as upload:
        upload.write(sample_adapter())

    assert staged(tmp_path) == []


def test_upload_is_removed_when_its_caller_fails(staging: StagingFolder, tmp_path: Path) -> None:
    with pytest.raises(AdapterFileError), staging.begin_upload() as upload:
        upload.seal()

    assert staged(tmp_path) == []


def test_kept_upload_has_its_new_name_only(staging: StagingFolder, tmp_path: Path) -> None:
    with staging.begin_upload() as upload:
        upload.write(sample_adapter())
        upload.seal()
        upload.keep(tmp_path / "kept")

    assert staged(tmp_path) == []
    assert (tmp_path / "kept").read_bytes() == sample_adapter()


def test_keeping_again_makes_the_file_again(staging: StagingFolder, tmp_path: Path) -> None:
    with staging.begin_upload() as upload:
        upload.write(sample_adapter())
        upload.keep(tmp_path / "kept")
        (tmp_path / "kept").unlink()
        upload.keep(tmp_path / "kept")
        upload.keep(tmp_path / "also kept")

    assert (tmp_path / "kept").read_bytes() == sample_adapter()
    assert (tmp_path / "also kept").read_bytes() == sample_adapter()
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o600
    assert staged(tmp_path) == []


def test_file_that_was_damaged_since_is_not_kept_again(
    staging: StagingFolder, tmp_path: Path
) -> None:
    with staging.begin_upload() as upload:
        upload.write(sample_adapter())
        upload.keep(tmp_path / "kept")
        with (tmp_path / "kept").open("r+b") as file:
            file.write(b"damaged")

        with pytest.raises(StorageUnavailable, match="other bytes"):
            upload.keep(tmp_path / "kept again")

    assert staged(tmp_path) == []
    assert not (tmp_path / "kept again").exists()


def test_chunks_are_the_sealed_bytes_any_number_of_times(staging: StagingFolder) -> None:
    with staging.begin_upload() as upload:
        upload.write(sample_adapter())

        for _ in range(2):
            assert b"".join(upload.chunks()) == sample_adapter()


def test_chunks_that_the_disk_has_lost_are_an_error_for_good(
    staging: StagingFolder, tmp_path: Path
) -> None:
    with staging.begin_upload() as upload:
        upload.write(sample_adapter())
        upload.seal()
        os.truncate(staged(tmp_path)[0], 10)

        with pytest.raises(StorageUnavailable, match="other bytes"):
            list(upload.chunks())
        with pytest.raises(StorageUnavailable, match="other bytes"):
            upload.keep(tmp_path / "kept")


def test_upload_that_could_not_be_kept_has_failed_for_good(
    staging: StagingFolder, tmp_path: Path
) -> None:
    with staging.begin_upload() as upload:
        upload.write(sample_adapter())
        with pytest.raises(StorageUnavailable):
            upload.keep(tmp_path / "missing" / "kept")
        (tmp_path / "missing").mkdir()

        with pytest.raises(StorageUnavailable):
            upload.keep(tmp_path / "missing" / "kept")
        with pytest.raises(StorageUnavailable):
            upload.seal()

    assert staged(tmp_path) == []


def test_bytes_that_the_disk_changed_are_noticed(staging: StagingFolder, tmp_path: Path) -> None:
    with staging.begin_upload() as upload:
        upload.write(sample_adapter())
        (path,) = staged(tmp_path)
        path.write_bytes(sample_adapter(2))

        with pytest.raises(StorageUnavailable, match="other bytes"):
            upload.seal()


def test_bytes_that_the_disk_lost_are_noticed(staging: StagingFolder, tmp_path: Path) -> None:
    with staging.begin_upload() as upload:
        upload.write(sample_adapter())
        (path,) = staged(tmp_path)
        os.truncate(path, 10)

        with pytest.raises(StorageUnavailable, match="other bytes"):
            upload.seal()


def test_clear_removes_what_is_left(staging: StagingFolder, tmp_path: Path) -> None:
    (tmp_path / "staging" / "stale").write_bytes(b"from a process that was killed")

    staging.clear()

    assert staged(tmp_path) == []


class LateListing(PosixPath):
    """A folder whose files are removed by their owner just after they were listed."""

    def iterdir(self) -> Generator[Self, None, None]:
        """Yield the files of a moment ago."""
        paths = list(super().iterdir())
        for path in paths:
            path.unlink()
        yield from paths


def test_clear_passes_over_what_its_owner_removed_meanwhile(tmp_path: Path) -> None:
    folder = LateListing(tmp_path)
    with StagingFolder(tmp_path, max_upload_bytes=10).begin_upload():
        StagingFolder(folder, max_upload_bytes=10).clear()

    assert list(tmp_path.iterdir()) == []


def test_probe_leaves_nothing(staging: StagingFolder, tmp_path: Path) -> None:
    staging.probe()

    assert staged(tmp_path) == []


def test_probe_and_upload_fail_where_the_folder_is_gone(
    staging: StagingFolder, tmp_path: Path
) -> None:
    (tmp_path / "staging").rmdir()

    with pytest.raises(StorageUnavailable):
        staging.probe()
    with pytest.raises(StorageUnavailable):
        staging.begin_upload()
