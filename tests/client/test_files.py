"""Files on their way to a server and from it."""

import hashlib
from pathlib import Path

import pytest

from multitap import DigestMismatch
from multitap.files import CHUNK_BYTES, Download, UploadSource

CONTENT = bytes(range(256)) * 2_500  # two whole chunks and a part


def digest_of(content: bytes) -> str:
    """Return the digest that a server would name."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    path = tmp_path / "a.safetensors"
    path.write_bytes(CONTENT)
    return path


def test_a_path_is_read_in_chunks_and_as_often_as_needed(adapter: Path) -> None:
    source = UploadSource.of(adapter)

    chunks = list(source.chunks())

    assert [len(chunk) for chunk in chunks] == [CHUNK_BYTES, CHUNK_BYTES, 640_000 - 2 * CHUNK_BYTES]
    assert b"".join(chunks) == b"".join(source.chunks()) == CONTENT


def test_the_size_is_known_before_the_first_byte_is_read(adapter: Path) -> None:
    assert UploadSource.of(str(adapter)).size_bytes == len(CONTENT)
    assert UploadSource.of(b"abc").size_bytes == 3


def test_progress_counts_the_bytes_that_were_taken() -> None:
    seen: list[tuple[int, int]] = []

    def note(done_bytes: int, total_bytes: int) -> None:
        seen.append((done_bytes, total_bytes))

    for _ in UploadSource.of(CONTENT, progress=note).chunks():
        pass

    assert seen == [(CHUNK_BYTES, 640_000), (2 * CHUNK_BYTES, 640_000), (640_000, 640_000)]


def test_a_part_is_read_and_counted_where_it_is(adapter: Path) -> None:
    seen: list[tuple[int, int]] = []
    source = UploadSource.of(adapter, progress=lambda done, total: seen.append((done, total)))

    part = source.part(100_000, CHUNK_BYTES + 1)

    assert part.size_bytes == CHUNK_BYTES + 1
    assert b"".join(part.chunks()) == CONTENT[100_000 : 100_000 + CHUNK_BYTES + 1]
    assert seen == [(100_000 + CHUNK_BYTES, 640_000), (100_001 + CHUNK_BYTES, 640_000)]


def test_the_last_part_ends_with_the_file(adapter: Path) -> None:
    part = UploadSource.of(adapter).part(600_000, 100_000)

    assert part.size_bytes == 40_000
    assert b"".join(part.chunks()) == CONTENT[600_000:]


def test_the_digest_is_that_of_all_bytes(adapter: Path) -> None:
    assert UploadSource.of(adapter).digest() == UploadSource.of(CONTENT).digest()
    assert UploadSource.of(CONTENT).digest() == digest_of(CONTENT)


async def test_the_asynchronous_reading_is_the_same(adapter: Path) -> None:
    seen: list[int] = []
    source = UploadSource.of(adapter, progress=lambda done_bytes, _: seen.append(done_bytes))

    content = b"".join([chunk async for chunk in source.chunks_async()])

    assert content == CONTENT
    assert seen[-1] == 640_000


def test_a_file_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        UploadSource.of(tmp_path / "none")


def test_a_download_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "out"

    with Download(path, digest=digest_of(CONTENT)) as download:
        download.write(CONTENT[:100])
        assert not path.exists()
        download.write(CONTENT[100:])
        download.commit()

    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]


def test_a_download_replaces_an_older_file(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")

    with Download(path, digest=digest_of(b"new")) as download:
        download.write(b"new")
        download.commit()

    assert path.read_bytes() == b"new"


def test_wrong_bytes_leave_the_older_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")

    with Download(path, digest=digest_of(b"new")) as download:
        download.write(b"evil")
        with pytest.raises(DigestMismatch) as caught:
            download.commit()

    assert (caught.value.expected, caught.value.found) == (digest_of(b"new"), digest_of(b"evil"))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_download_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with Download(tmp_path / "out", digest=digest_of(CONTENT)) as download:
        download.write(CONTENT[:100])

    assert list(tmp_path.iterdir()) == []


def test_a_download_reports_its_progress(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    with Download(
        tmp_path / "out",
        digest=digest_of(CONTENT),
        size_bytes=len(CONTENT),
        progress=lambda done, total: seen.append((done, total)),
    ) as download:
        download.write(CONTENT[:100])
        download.write(CONTENT[100:])

    assert seen == [(100, len(CONTENT)), (len(CONTENT), len(CONTENT))]
