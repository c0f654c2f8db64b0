"""A store of blobs that forgets: the whole contract in memory, for tests and memory registries."""

import hashlib
import threading
from collections.abc import Generator
from datetime import datetime
from typing import Final

from multitap_registry.clock import Clock, utc_now
from multitap_registry.errors import CorruptBlob, RegistryError

from .addresses import digest_hex, quarantine_address
from .checking import checked_chunks, last_position
from .contract import CHUNK_BYTES, Blob, BlobSource


class MemoryBlobs:
    """Blobs in memory; see the contract for every method.

    `failure`, once set, is raised by every method, as a store that is away would. What is in
    `contents` may be changed, to damage it; `quarantined` holds by its name what was moved aside.
    """

    def __init__(self, *, clock: Clock = utc_now) -> None:
        self.failure: RegistryError | None = None
        self.contents: Final[dict[str, bytes]] = {}
        self.quarantined: Final[dict[str, bytes]] = {}
        self._stored_at: Final[dict[str, datetime]] = {}
        self._clock: Final = clock
        self._lock: Final = threading.Lock()

    def store(self, upload: BlobSource, /) -> None:
        """Keep sealed bytes under their digest."""
        self.probe()
        digest, content = upload.seal().digest, b"".join(upload.chunks())
        with self._lock:
            self.contents[digest] = content
            self._stored_at[digest] = self._clock()

    def read(self, digest: str) -> bytes:
        """Return a blob's bytes, checked."""
        return b"".join(self.read_chunks(digest))

    def read_chunks(
        self, digest: str, *, first: int = 0, last: int | None = None
    ) -> Generator[bytes, None, None]:
        """Yield a blob's bytes from `first` to `last`."""
        content = self._content(digest)
        end = last_position(digest, len(content), first, last)
        chunks = content_chunks(content, first, end)
        whole = end - first + 1 == len(content)
        yield from checked_chunks(digest, chunks) if whole else chunks

    def stat(self, digest: str) -> Blob | None:
        """Return what is known of a blob."""
        digest_hex(digest)
        self.probe()
        with self._lock:
            return self._blob(digest)

    def blobs(self) -> Generator[Blob, None, None]:
        """Yield every blob."""
        self.probe()
        for digest in list(self.contents):
            blob = self.stat(digest)
            if blob is not None:
                yield blob

    def remove(self, digest: str, *, stored_before: datetime) -> bool:
        """Remove a blob that was last stored before a time."""
        digest_hex(digest)
        self.probe()
        with self._lock:
            blob = self._blob(digest)
            if blob is None or blob.modified_at >= stored_before:
                return False
            del self.contents[digest], self._stored_at[digest]
            return True

    def quarantine(self, digest: str) -> str | None:
        """Move a damaged blob's bytes aside."""
        name = quarantine_address(digest)
        with self._lock:
            content = self._content(digest)
            if f"sha256:{hashlib.sha256(content).hexdigest()}" == digest:
                return None
            self.quarantined[name] = content
            del self.contents[digest], self._stored_at[digest]
        return name

    def probe(self) -> None:
        """Return unless a failure was set."""
        if self.failure is not None:
            raise self.failure

    def _content(self, digest: str) -> bytes:
        digest_hex(digest)
        self.probe()
        content = self.contents.get(digest)
        if content is None:
            raise CorruptBlob(digest, None)
        return content

    def _blob(self, digest: str) -> Blob | None:
        content = self.contents.get(digest)
        return None if content is None else Blob(digest, len(content), self._stored_at[digest])


def content_chunks(content: bytes, first: int, last: int) -> Generator[bytes, None, None]:
    """Yield bytes `first` to `last` of a content, CHUNK_BYTES at a time."""
    for start in range(first, last + 1, CHUNK_BYTES):
        yield content[start : min(start + CHUNK_BYTES, last + 1)]
