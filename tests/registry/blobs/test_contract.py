"""What every store of blobs does: the same tests on memory, a folder and two object stores."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from blob_places import Place
from multitap_adapters.file import AdapterFile
from multitap_registry.blobs import CHUNK_BYTES
from multitap_registry.errors import CorruptBlob, InvalidReference
from multitap_registry.staging import StagedUpload
from sample_adapters import sample_adapter

Store = Callable[[bytes], AdapterFile]
MISSING = "sha256:" + "0" * 64
LATER = timedelta(seconds=1)


def name_of(digest: str) -> str:
    """Return where a blob lies in its store."""
    name = digest.removeprefix("sha256:")
    return f"sha256/{name[:2]}/{name}"


def digest_of(content: bytes) -> str:
    """Return the digest of bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_stored_bytes_come_back_and_lie_under_their_digest(place: Place, store: Store) -> None:
    digest = store(sample_adapter()).digest

    assert place.blobs.read(digest) == sample_adapter()
    assert b"".join(place.blobs.read_chunks(digest)) == sample_adapter()
    assert digest == digest_of(place.read(name_of(digest)))


def test_missing_blob_is_corrupt_without_a_digest(place: Place) -> None:
    calls: list[Callable[[str], object]] = [
        place.blobs.read,
        lambda digest: next(place.blobs.read_chunks(digest)),
        place.blobs.quarantine,
    ]
    for call in calls:
        with pytest.raises(CorruptBlob) as caught:
            call(MISSING)
        assert (caught.value.digest, caught.value.found) == (MISSING, None)
    assert place.blobs.stat(MISSING) is None


@pytest.mark.parametrize("damaged", [b"", sample_adapter(2), sample_adapter() + b"x"])
def test_blob_with_other_bytes_is_corrupt(place: Place, store: Store, damaged: bytes) -> None:
    digest = store(sample_adapter()).digest
    place.write(name_of(digest), damaged)

    with pytest.raises(CorruptBlob) as caught:
        place.blobs.read(digest)

    assert (caught.value.digest, caught.value.found) == (digest, digest_of(damaged))


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:../../x", "../x", MISSING + "\n"])
def test_nothing_but_a_digest_names_a_blob(place: Place, text: str) -> None:
    calls: list[Callable[[str], object]] = [
        place.blobs.read,
        lambda digest: next(place.blobs.read_chunks(digest)),
        place.blobs.stat,
        lambda digest: place.blobs.remove(digest, stored_before=datetime.now(UTC)),
        place.blobs.quarantine,
    ]
    for call in calls:
        with pytest.raises(InvalidReference):
            call(text)


def test_large_blob_comes_in_small_chunks(place: Place, store: Store, large_adapter: bytes) -> None:
    digest = store(large_adapter).digest

    chunks = list(place.blobs.read_chunks(digest))
    assert max(map(len, chunks)) <= CHUNK_BYTES
    assert b"".join(chunks) == large_adapter
    start = CHUNK_BYTES - 10
    parts = list(place.blobs.read_chunks(digest, first=start, last=2 * CHUNK_BYTES))
    assert max(map(len, parts)) <= CHUNK_BYTES
    assert b"".join(parts) == large_adapter[start : 2 * CHUNK_BYTES + 1]


@pytest.mark.parametrize(("first", "last"), [(0, 0), (1, 3), (0, 99), (7, None), (-1, None)])
def test_range_is_what_was_asked_for(
    place: Place, store: Store, first: int, last: int | None
) -> None:
    file = store(sample_adapter())
    first = first % file.size_bytes
    end = file.size_bytes if last is None else last + 1

    chunks = place.blobs.read_chunks(file.digest, first=first, last=last)

    assert b"".join(chunks) == sample_adapter()[first:end]


def test_blob_that_ends_before_a_range_is_corrupt(place: Place, store: Store) -> None:
    file = store(sample_adapter())

    for first, last in ((0, file.size_bytes), (file.size_bytes, None)):
        with pytest.raises(CorruptBlob) as caught:
            list(place.blobs.read_chunks(file.digest, first=first, last=last))
        assert caught.value.found == f"{file.size_bytes} bytes"


@pytest.mark.parametrize(("first", "last"), [(-1, None), (3, 2), (-2, -1)])
def test_range_of_nothing_is_refused(
    place: Place, store: Store, first: int, last: int | None
) -> None:
    digest = store(sample_adapter()).digest

    with pytest.raises(ValueError, match=f"from {first} to {last}"):
        list(place.blobs.read_chunks(digest, first=first, last=last))


def test_last_chunk_of_a_damaged_blob_never_comes(
    place: Place, store: Store, large_adapter: bytes
) -> None:
    digest = store(large_adapter).digest
    place.write(name_of(digest), b"x" + large_adapter[1:])

    received: list[bytes] = []
    with pytest.raises(CorruptBlob) as caught:
        received.extend(place.blobs.read_chunks(digest))

    assert 0 < sum(map(len, received)) < len(large_adapter)
    assert caught.value.found == digest_of(b"x" + large_adapter[1:])


def test_reader_may_leave_early(place: Place, store: Store) -> None:
    chunks = place.blobs.read_chunks(store(sample_adapter()).digest, first=1)

    next(chunks)
    chunks.close()

    assert list(chunks) == []


def test_blob_is_known_by_size_and_time(place: Place, store: Store) -> None:
    before = datetime.now(UTC) - LATER
    file = store(sample_adapter())

    blob = place.blobs.stat(file.digest)

    assert blob is not None
    assert (blob.digest, blob.size_bytes) == (file.digest, file.size_bytes)
    assert before <= blob.modified_at <= datetime.now(UTC)


def test_every_blob_is_listed_and_nothing_else(place: Place, store: Store) -> None:
    assert list(place.blobs.blobs()) == []

    digests = [store(sample_adapter(seed)).digest for seed in range(3)]
    place.blobs.probe()
    place.write(name_of(digests[0]), b"damaged")
    place.blobs.quarantine(digests[0])

    listed = {blob.digest: blob for blob in place.blobs.blobs()}
    assert set(listed) == set(digests[1:])
    for digest, blob in listed.items():
        known = place.blobs.stat(digest)
        assert known is not None
        assert known.size_bytes == blob.size_bytes == len(sample_adapter())
        # One of the two answers of an object store may have whole seconds only.
        assert abs(known.modified_at - blob.modified_at) < LATER


def test_blob_that_was_stored_since_a_time_is_not_removed(place: Place, store: Store) -> None:
    digest = store(sample_adapter()).digest
    blob = place.blobs.stat(digest)
    assert blob is not None

    assert not place.blobs.remove(digest, stored_before=blob.modified_at)
    assert place.blobs.read(digest) == sample_adapter()


def test_older_blob_is_removed_once(place: Place, store: Store) -> None:
    digest, other = store(sample_adapter()).digest, store(sample_adapter(2)).digest
    soon = datetime.now(UTC) + LATER

    assert place.blobs.remove(digest, stored_before=soon)
    assert not place.blobs.remove(digest, stored_before=soon)
    assert place.blobs.stat(digest) is None
    assert place.blobs.read(other) == sample_adapter(2)


def test_upload_that_was_stored_can_be_stored_again_after_a_removal(
    place: Place, upload: Callable[[bytes], StagedUpload]
) -> None:
    staged = upload(sample_adapter())
    digest = staged.seal().digest

    for _ in range(2):
        place.blobs.store(staged)
        place.blobs.store(staged)
        assert place.blobs.read(digest) == sample_adapter()
        assert place.blobs.remove(digest, stored_before=datetime.now(UTC) + LATER)


def test_storing_again_repairs_a_damaged_blob(place: Place, store: Store) -> None:
    digest = store(sample_adapter()).digest
    place.write(name_of(digest), b"damaged")

    store(sample_adapter())

    assert place.blobs.read(digest) == sample_adapter()


def test_damaged_bytes_are_moved_aside_and_kept(place: Place, store: Store) -> None:
    digest = store(sample_adapter()).digest
    names: set[str] = set()
    for damaged in (b"damaged", b"damaged again"):
        place.write(name_of(digest), damaged)
        name = place.blobs.quarantine(digest)

        assert name is not None
        assert name.startswith(f"quarantine/{digest.removeprefix('sha256:')}-")
        assert place.read(name) == damaged
        assert place.blobs.stat(digest) is None
        store(sample_adapter())
        names.add(name)
    assert len(names) == 2
    assert place.blobs.read(digest) == sample_adapter()


def test_whole_blob_is_never_moved_aside(place: Place, store: Store) -> None:
    digest = store(sample_adapter()).digest

    assert place.blobs.quarantine(digest) is None
    assert place.blobs.read(digest) == sample_adapter()


def test_probes_return_and_leave_no_blob(place: Place) -> None:
    place.blobs.probe()
    place.blobs.probe()

    assert list(place.blobs.blobs()) == []


def test_stores_at_the_same_time_do_no_harm_to_each_other(
    place: Place, upload: Callable[[bytes], StagedUpload]
) -> None:
    uploads = [upload(sample_adapter(number % 2)) for number in range(8)]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(place.blobs.store, uploads))

    for seed in range(2):
        digest = uploads[seed].seal().digest
        assert place.blobs.read(digest) == sample_adapter(seed)
    assert len(list(place.blobs.blobs())) == 2
