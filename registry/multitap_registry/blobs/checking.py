"""Checks of blobs that are read in parts: their range, and the digest of a whole."""

import hashlib
from collections.abc import Generator
from contextlib import closing

from multitap_registry.errors import CorruptBlob

from .contract import BlobStore


def last_position(digest: str, size_bytes: int, first: int, last: int | None) -> int:
    """Return the position of a range's last byte in a blob of this size; -1 of an empty one.

    Raises:
        ValueError: `first` is negative, or lies behind `last`.
        CorruptBlob: the blob ends before the range does.
    """
    if first < 0 or (last is not None and last < first):
        raise ValueError(f"the range from {first} to {last} is none")
    end = size_bytes - 1 if last is None else last
    if end >= size_bytes or (first > end and first > 0):
        raise CorruptBlob(digest, f"{size_bytes} bytes")
    return end


def checked_chunks(
    digest: str, chunks: Generator[bytes, None, None]
) -> Generator[bytes, None, None]:
    """Yield chunks, the last one only once the digest of all of them was right.

    Raises:
        CorruptBlob: it was not.
    """
    found = hashlib.sha256()
    held: bytes | None = None
    with closing(chunks):
        for chunk in chunks:
            found.update(chunk)
            if held is not None:
                yield held
            held = chunk
    if f"sha256:{found.hexdigest()}" != digest:
        raise CorruptBlob(digest, f"sha256:{found.hexdigest()}")
    if held is not None:
        yield held


def is_whole(blobs: BlobStore, digest: str) -> bool:
    """Return whether a blob's bytes are its digest's, without keeping them.

    Raises:
        CorruptBlob: the blob is missing.
        InvalidReference, StorageUnavailable: as for reading it.
    """
    try:
        for _ in blobs.read_chunks(digest):
            pass
    except CorruptBlob as error:
        if error.found is None:
            raise
        return False
    return True
