"""What every store of blobs promises: bytes under their SHA-256, durable once they are stored.

Bytes that are stored once more are always written once more, and are then as young as new ones:
that repairs a damaged blob, and tells a collector that somebody needs them. A publish stores a
blob first and writes its row later, so a blob without a row may be one that is on its way. Who
removes blobs therefore

1. takes only blobs without a row, last stored before a grace period that no publish outlasts, and
   gives `remove` that time, which looks again;
2. holds the lock that orders the registry's changes, from looking for a row until `remove` returns.

Within a process, no store falls between the look of `remove` and its removal. Where processes share
a store, one can, since nothing there compares times: a publish looks with `stat` once it holds the
lock, which must be one for all of them, and stores again what is gone before it writes the row.

Calls block on a disk or a network: run them outside an event loop.
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from multitap_adapters.file import AdapterFile
from multitap_registry.staging import StagedUpload

CHUNK_BYTES: Final = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Blob:
    """What a store knows of a blob without reading it.

    `modified_at` is when it was last stored, by the store's own clock, which may cut off parts of a
    second.
    """

    digest: str
    size_bytes: int
    modified_at: datetime


class BlobSource(Protocol):
    """Sealed bytes that can be read from their start, more than once."""

    def seal(self) -> AdapterFile:
        """Return what the bytes are. Raises: as the upload's contract says."""
        ...

    def chunks(self) -> Generator[bytes, None, None]:
        """Yield the bytes in order. Raises: StorageUnavailable."""
        ...


class BlobStore(Protocol):
    """Bytes by digest. Safe to call from several threads."""

    def store(self, upload: StagedUpload, /) -> None:
        """Keep a sealed upload under its digest, durably; safe at any time, and again.

        Raises:
            AdapterFileError: the upload was not sealed yet, and is no adapter.
            StorageFull, StorageUnavailable: the blob is as it was, or at worst is an orphan.
        """
        ...

    def read(self, digest: str) -> bytes:
        """Return a blob's bytes, checked.

        Raises:
            InvalidReference: the text is no digest.
            CorruptBlob: the blob is missing, or its bytes are others.
            StorageUnavailable: the store failed.
        """
        ...

    def read_chunks(
        self, digest: str, *, first: int = 0, last: int | None = None
    ) -> Generator[bytes, None, None]:
        """Yield a blob's bytes from `first` to `last`, both included, None for its end.

        No chunk is larger than CHUNK_BYTES. Nothing is opened before the first chunk is asked for;
        close a generator that is left early. Where the range is the whole blob, its last chunk
        comes only after the digest of all chunks was right; a part of a blob cannot be checked.

        Raises, with a chunk:
            InvalidReference: the text is no digest.
            ValueError: `first` is negative, or lies behind `last`.
            CorruptBlob: the blob is missing, ends before `last`, or its bytes are others.
            StorageUnavailable: the store failed.
        """
        ...

    def stat(self, digest: str) -> Blob | None:
        """Return what is known of a blob, None where it is missing.

        Raises:
            InvalidReference: the text is no digest.
            StorageUnavailable: the store failed.
        """
        ...

    def blobs(self) -> Generator[Blob, None, None]:
        """Yield every blob, in no order, without reading any; quarantined ones are none.

        A blob that is stored or removed meanwhile may be missed. Raises, with a blob:
        StorageUnavailable.
        """
        ...

    def remove(self, digest: str, *, stored_before: datetime) -> bool:
        """Remove a blob that was last stored before a time; return whether that was so.

        It may be back after a power cut.

        Raises:
            InvalidReference: the text is no digest.
            StorageUnavailable: the store failed; the blob may be there, or not.
        """
        ...

    def quarantine(self, digest: str) -> str | None:
        """Move a damaged blob's bytes aside, never removing any, and return their new name.

        They are read first: a blob that is as it should be stays, and None is returned.

        Raises:
            InvalidReference: the text is no digest.
            CorruptBlob: the blob is missing.
            StorageFull, StorageUnavailable: the store failed; the blob is at either name, or both.
        """
        ...

    def probe(self) -> None:
        """Return where blobs can be stored now, by a small write. Raises: as `store`."""
        ...
