"""Checks of blobs against the ready versions that need them, outside of any transaction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from multitap_registry.blobs import BlobStore
from multitap_registry.database import Database
from multitap_registry.errors import CorruptBlob, InvalidReference, StorageUnavailable

from .books import VersionRow, has_ready_version
from .findings import Finding

# Takes the number of bytes that were read since its last call.
OnBytes: TypeAlias = Callable[[int], object]

# Whether a missing blob is still needed and still missing is looked at once more, so that no
# delete, collection and publish at the same time is taken for a fault.
_LOOKS: Final = 2


def check_blobs(
    database: Database,
    blobs: BlobStore,
    ready: Mapping[str, Sequence[VersionRow]],
    on_bytes: OnBytes,
) -> Iterator[Finding]:
    """Read every blob that a ready version needs, in chunks.

    Raises:
        StorageFull, StorageUnavailable: the database or the store is away.
    """
    for digest, rows in sorted(ready.items()):
        where = ", ".join(map(str, rows))
        try:
            found = _read(blobs, digest, on_bytes)
        except InvalidReference:
            yield Finding("blob_missing", where, "a digest", repr(digest))
        except StorageUnavailable as error:
            # Raises what the whole store has, rather than to tell it of each blob.
            next(blobs.blobs(), None)
            yield Finding("blob_unreadable", where, "bytes that can be read", str(error), digest)
        else:
            yield from _check_read(database, blobs, digest, rows, found)


def _read(blobs: BlobStore, digest: str, on_bytes: OnBytes) -> int | CorruptBlob:
    """Return a blob's size once all of its bytes were right, or what is wrong with it."""
    size_bytes = 0
    try:
        for chunk in blobs.read_chunks(digest):
            size_bytes += len(chunk)
            on_bytes(len(chunk))
    except CorruptBlob as error:
        return error
    return size_bytes


def _check_read(
    database: Database,
    blobs: BlobStore,
    digest: str,
    rows: Sequence[VersionRow],
    found: int | CorruptBlob,
) -> Iterator[Finding]:
    where = ", ".join(map(str, rows))
    if isinstance(found, int):
        for row in rows:
            if row.size_bytes != found:
                expected = f"{row.size_bytes} bytes, as its row says"
                yield Finding("blob_size", str(row), expected, f"{found} bytes", digest)
    elif found.found is not None:
        yield Finding("blob_damaged", where, digest, found.found, digest)
    elif _is_missing(database, blobs, digest):
        yield Finding("blob_missing", where, digest, "no such file", digest)


def _is_missing(database: Database, blobs: BlobStore, digest: str) -> bool:
    for _ in range(_LOOKS):
        with database.snapshot() as connection:
            needed = has_ready_version(connection, digest)
        if not needed or blobs.stat(digest) is not None:
            return False
    return True
