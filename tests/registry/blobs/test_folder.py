"""Blobs in a folder: where they lie, how old they are, and what the disk does to them."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from multitap_registry.blobs import BlobFolder
from multitap_registry.errors import CorruptBlob, StorageUnavailable
from multitap_registry.staging import StagedUpload, StagingFolder
from sample_adapters import sample_adapter


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    """Return an empty folder of blobs."""
    return BlobFolder(tmp_path / "blobs")


def store(tmp_path: Path, blobs: BlobFolder, content: bytes) -> str:
    """Store bytes and return their digest."""
    (tmp_path / "staging").mkdir(exist_ok=True)
    staging = StagingFolder(tmp_path / "staging", max_upload_bytes=4096)
    with staging.begin_upload() as upload:
        upload.write(content)
        blobs.store(upload)
        return upload.seal().digest


def blob_path(tmp_path: Path, digest: str) -> Path:
    """Return where a blob lies."""
    name = digest.removeprefix("sha256:")
    return tmp_path / "blobs" / "sha256" / name[:2] / name


def test_blob_lies_under_its_digest_for_its_owner_only(tmp_path: Path, blobs: BlobFolder) -> None:
    digest = store(tmp_path, blobs, sample_adapter())

    path = blob_path(tmp_path, digest)
    assert path.read_bytes() == sample_adapter()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_one_flipped_bit_is_noticed(tmp_path: Path, blobs: BlobFolder) -> None:
    digest = store(tmp_path, blobs, sample_adapter())
    content = bytearray(sample_adapter())
    content[-1] ^= 1
    blob_path(tmp_path, digest).write_bytes(content)

    with pytest.raises(CorruptBlob):
        blobs.read(digest)


def test_blob_that_cannot_be_read_is_unavailable(tmp_path: Path, blobs: BlobFolder) -> None:
    digest = store(tmp_path, blobs, sample_adapter())
    blob_path(tmp_path, digest).unlink()
    blob_path(tmp_path, digest).mkdir()

    for call in (blobs.read, blobs.quarantine):
        with pytest.raises(StorageUnavailable):
            call(digest)
    with pytest.raises(StorageUnavailable):
        list(blobs.read_chunks(digest))
    assert blobs.stat(digest) is None
    assert list(blobs.blobs()) == []


def test_blobs_cannot_be_stored_where_no_folder_can_be_made(
    tmp_path: Path, blobs: BlobFolder
) -> None:
    (tmp_path / "blobs").write_text("a file in the way")

    with pytest.raises(StorageUnavailable):
        store(tmp_path, blobs, sample_adapter())


def test_other_files_are_no_blobs(tmp_path: Path, blobs: BlobFolder) -> None:
    digest = store(tmp_path, blobs, sample_adapter())
    path = blob_path(tmp_path, digest)
    for stray in (path.with_suffix(".tmp"), path.with_name("x"), path.parent.parent / "file"):
        stray.write_bytes(b"stray")
    (path.parent.parent / "zz").mkdir()
    (path.parent.parent / "zz" / path.name).write_bytes(b"in the folder of others")

    assert [blob.digest for blob in blobs.blobs()] == [digest]


def age(path: Path) -> None:
    """Make a file a day old."""
    yesterday = (datetime.now(UTC) - timedelta(days=1)).timestamp()
    os.utime(path, (yesterday, yesterday))


def an_hour_ago() -> datetime:
    """Return what a collector with a grace period of an hour asks for."""
    return datetime.now(UTC) - timedelta(hours=1)


def test_blob_that_is_stored_again_is_as_young_as_a_new_one(
    tmp_path: Path, blobs: BlobFolder
) -> None:
    digest = store(tmp_path, blobs, sample_adapter())
    age(blob_path(tmp_path, digest))

    store(tmp_path, blobs, sample_adapter())

    assert not blobs.remove(digest, stored_before=an_hour_ago())


def test_blob_is_as_young_as_its_store_however_long_its_upload_took(
    tmp_path: Path, blobs: BlobFolder
) -> None:
    (tmp_path / "staging").mkdir()
    with StagingFolder(tmp_path / "staging", max_upload_bytes=4096).begin_upload() as upload:
        upload.write(sample_adapter())
        (staged,) = (tmp_path / "staging").iterdir()
        age(staged)
        blobs.store(upload)
        digest = upload.seal().digest

    assert not blobs.remove(digest, stored_before=an_hour_ago())


class ContestedUpload(StagedUpload):
    """An upload that somebody tries to remove while it gets its name."""

    blobs: BlobFolder
    remover: threading.Thread
    removed: bool | None = None
    waited = False

    def keep(self, target: Path) -> None:
        """Start a removal, and go on when it has had its time."""
        self.remover = threading.Thread(target=self._remove)
        self.remover.start()
        self.remover.join(timeout=0.1)
        self.waited = self.remover.is_alive()
        super().keep(target)

    def _remove(self) -> None:
        self.removed = self.blobs.remove(self.seal().digest, stored_before=an_hour_ago())


def test_removal_waits_for_a_store_and_then_finds_the_blob_too_young(
    tmp_path: Path, blobs: BlobFolder
) -> None:
    digest = store(tmp_path, blobs, sample_adapter())
    age(blob_path(tmp_path, digest))

    with ContestedUpload(tmp_path / "staging" / "contested", 4096) as upload:
        upload.blobs = blobs
        upload.write(sample_adapter())
        upload.seal()
        blobs.store(upload)
        upload.remover.join()

    assert upload.waited
    assert upload.removed is False
    assert blobs.read(digest) == sample_adapter()


def test_what_was_moved_aside_is_for_its_owner_only(tmp_path: Path, blobs: BlobFolder) -> None:
    digest = store(tmp_path, blobs, sample_adapter())
    blob_path(tmp_path, digest).write_bytes(b"damaged")

    name = blobs.quarantine(digest)

    assert name is not None
    path = tmp_path / "blobs" / name
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
