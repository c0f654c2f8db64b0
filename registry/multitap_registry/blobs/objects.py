"""Blobs in an object store that speaks S3, under the same names as in a folder.

The store's acknowledgement is the durability: an object is seen whole or not at all. Large files go
up in parts, read from the staged file while they are sent, and large blobs come down in ranges, so
that neither is in memory as a whole. Every request is bounded in time and tried again a few times.
"""

from collections.abc import Generator, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from obstore.exceptions import GenericError

from multitap_registry.errors import CorruptBlob, StorageUnavailable

from .addresses import ALGORITHM, blob_address, parse_address, quarantine_address
from .checking import checked_chunks, is_whole, last_position
from .contract import CHUNK_BYTES, Blob, BlobSource
from .digest_locks import DigestLocks
from .object_connection import RequestLimits, connect
from .object_faults import object_faults
from .object_place import ObjectPlace

if TYPE_CHECKING:
    from obstore import ObjectMeta

_PAGE: Final = 1_000
_PROBE: Final = "probe"


class ObjectBlobs:
    """Blobs in a bucket; see the contract for every method."""

    def __init__(self, place: ObjectPlace, limits: RequestLimits | None = None) -> None:
        """Prepare; keys and endpoint come from AWS's variables, and nothing is sent yet.

        Raises:
            StorageUnavailable: one of these variables cannot be used.
        """
        self._limits: Final = limits or RequestLimits()
        self._place: Final = str(place)
        self._locks: Final = DigestLocks()
        with object_faults("use the variables of the environment", self._place):
            self._store: Final = connect(place, self._limits)

    def store(self, upload: BlobSource, /) -> None:
        """Keep sealed bytes under their digest, durably."""
        file = upload.seal()
        address = blob_address(file.digest)
        try:
            with self._locks.of(file.digest):
                self._put(address, file.digest, file.size_bytes, upload)
        except CorruptBlob as error:
            raise StorageUnavailable("the disk gave back other bytes than were stored") from error
        blob = self.stat(file.digest)
        if blob is None or blob.size_bytes != file.size_bytes:
            size_bytes = 0 if blob is None else blob.size_bytes
            raise StorageUnavailable(
                f"{self._place} holds {size_bytes} bytes of a blob of {file.size_bytes}"
            )

    def read(self, digest: str) -> bytes:
        """Return a blob's bytes, checked."""
        return b"".join(self.read_chunks(digest))

    def read_chunks(
        self, digest: str, *, first: int = 0, last: int | None = None
    ) -> Generator[bytes, None, None]:
        """Yield a blob's bytes from `first` to `last`."""
        blob = self.stat(digest)
        if blob is None:
            raise CorruptBlob(digest, None)
        end = last_position(digest, blob.size_bytes, first, last)
        chunks = self._ranges(digest, first, end)
        whole = end - first + 1 == blob.size_bytes
        yield from checked_chunks(digest, chunks) if whole else chunks

    def stat(self, digest: str) -> Blob | None:
        """Return what is known of a blob."""
        address = blob_address(digest)
        with object_faults("look at a blob", self._place):
            try:
                found = self._store.head(address)
            except FileNotFoundError:
                # A missing bucket answers this request in the same way, but not that one.
                next(self._pages(_PROBE), None)
                return None
        return Blob(digest, found["size"], found["last_modified"])

    def blobs(self) -> Generator[Blob, None, None]:
        """Yield every blob."""
        with object_faults("list the blobs", self._place):
            for page in self._pages(ALGORITHM):
                for found in page:
                    digest = parse_address(found["path"])
                    if digest is not None:
                        yield Blob(digest, found["size"], found["last_modified"])

    def remove(self, digest: str, *, stored_before: datetime) -> bool:
        """Remove a blob that was last stored before a time."""
        with self._locks.of(digest):
            blob = self.stat(digest)
            if blob is None or blob.modified_at >= stored_before:
                return False
            with object_faults("remove a blob", self._place):
                self._store.delete(blob_address(digest))
            return True

    def quarantine(self, digest: str) -> str | None:
        """Move a damaged blob's bytes aside."""
        address, aside = blob_address(digest), quarantine_address(digest)
        with self._locks.of(digest):
            if is_whole(self, digest):
                return None
            with object_faults("move a damaged blob aside", self._place):
                self._store.copy(address, aside)
                copied, damaged = self._store.head(aside), self._store.head(address)
                if copied["size"] != damaged["size"]:
                    raise StorageUnavailable(f"{self._place} copied a part of a damaged blob only")
                self._store.delete(address)
        return aside

    def probe(self) -> None:
        """Write a small object over the one of the last time."""
        with object_faults("write", self._place):
            self._store.put(_PROBE, b"probe", use_multipart=False)

    def _pages(self, prefix: str) -> "Iterator[Sequence[ObjectMeta]]":
        # Another form of this answer is of a library that is not installed, nor asked for.
        pages = self._store.list(prefix, chunk_size=_PAGE)  # pyright: ignore[reportUnknownMemberType]
        return iter(pages)

    def _put(self, address: str, digest: str, size_bytes: int, upload: BlobSource) -> None:
        # The last chunk comes only if all are as they should be, or else nothing gets the name.
        chunks = checked_chunks(digest, upload.chunks())
        with object_faults("store a blob", self._place):
            if size_bytes <= self._limits.part_bytes:
                self._store.put(address, b"".join(chunks), use_multipart=False)
            else:
                self._store.put(
                    address,
                    chunks,
                    use_multipart=True,
                    chunk_size=self._limits.part_bytes,
                    max_concurrency=self._limits.parts_at_once,
                )

    def _ranges(self, digest: str, first: int, last: int) -> Generator[bytes, None, None]:
        while first <= last:
            size_bytes = min(CHUNK_BYTES, last - first + 1)
            chunk = self._range(digest, first, size_bytes)
            if chunk is None:
                yield from self._skimmed(digest, first, last)
                return
            if len(chunk) != size_bytes:
                raise CorruptBlob(digest, f"{first + len(chunk)} bytes")
            first += size_bytes
            yield chunk

    def _range(self, digest: str, first: int, size_bytes: int) -> bytes | None:
        """Return bytes of a blob, None where the server does not answer with ranges."""
        with object_faults("read a blob", self._place):
            try:
                return self._store.get_range(
                    blob_address(digest), start=first, length=size_bytes
                ).to_bytes()
            except FileNotFoundError:
                raise CorruptBlob(digest, None) from None
            except GenericError as error:
                # A server may ignore a range (RFC 9110, 14.2); rclone's obeys, and calls it 200.
                if "NotPartial" in str(error):
                    return None
                raise

    def _skimmed(self, digest: str, first: int, last: int) -> Generator[bytes, None, None]:
        """Yield a part of a blob that is read from its start."""
        position = 0
        with object_faults("read a blob", self._place):
            try:
                found = self._store.get(blob_address(digest))
            except FileNotFoundError:
                raise CorruptBlob(digest, None) from None
            for part in found.stream(min_chunk_size=CHUNK_BYTES // 2):
                end = min(last + 1 - position, len(part))
                for start in range(max(first - position, 0), end, CHUNK_BYTES):
                    yield part[start : min(start + CHUNK_BYTES, end)]
                position += len(part)
                if position > last:
                    return
        raise CorruptBlob(digest, f"{position} bytes")
