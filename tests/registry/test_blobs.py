"""Blobs: where they lie, and what is noticed of them."""

from pathlib import Path

import pytest

from multitap_registry.blobs import BlobFolder
from multitap_registry.errors import CorruptBlob, InvalidReference, StorageUnavailable
from multitap_registry.staging import StagingFolder
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


def test_blob_that_is_missing_is_corrupt(blobs: BlobFolder) -> None:
    with pytest.raises(CorruptBlob) as caught:
        blobs.read("sha256:" + "0" * 64)

    assert caught.value.found is None


@pytest.mark.parametrize("damaged", [b"", sample_adapter(2), sample_adapter() + b"x"])
def test_blob_with_other_bytes_is_corrupt(
    tmp_path: Path, blobs: BlobFolder, damaged: bytes
) -> None:
    digest = store(tmp_path, blobs, sample_adapter())
    blob_path(tmp_path, digest).write_bytes(damaged)

    with pytest.raises(CorruptBlob) as caught:
        blobs.read(digest)

    assert caught.value.digest == digest
    assert caught.value.found not in (None, digest)


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

    with pytest.raises(StorageUnavailable):
        blobs.read(digest)


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:../../x", "../registry.sqlite"])
def test_path_is_never_built_from_anything_but_a_digest(blobs: BlobFolder, digest: str) -> None:
    with pytest.raises(InvalidReference):
        blobs.read(digest)


def test_storing_again_repairs_a_damaged_blob(tmp_path: Path, blobs: BlobFolder) -> None:
    digest = store(tmp_path, blobs, sample_adapter())
    blob_path(tmp_path, digest).write_bytes(b"damaged")

    store(tmp_path, blobs, sample_adapter())

    assert blobs.read(digest) == sample_adapter()


def test_blobs_cannot_be_stored_where_no_folder_can_be_made(
    tmp_path: Path, blobs: BlobFolder
) -> None:
    (tmp_path / "blobs").write_text("a file in the way")

    with pytest.raises(StorageUnavailable):
        store(tmp_path, blobs, sample_adapter())
