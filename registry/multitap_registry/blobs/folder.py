"""Blobs as files of a local folder: ``sha256/ab/abcd...``, and damaged ones in ``quarantine``.

A blob has its final name only once its bytes are durable, and is acknowledged only once its name
is. Storing the same bytes again is never skipped because a file of that name exists: that file's
own name may not be durable yet.
"""

import hashlib
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG
from typing import Final

from multitap_registry.durable import make_folder, sync_folder, write_probe
from multitap_registry.errors import CorruptBlob, StorageUnavailable
from multitap_registry.faults import disk_faults
from multitap_registry.staging import StagedUpload

from .addresses import ALGORITHM, QUARANTINE, blob_address, parse_address, quarantine_address
from .checking import checked_chunks, is_whole, last_position
from .contract import CHUNK_BYTES, Blob
from .digest_locks import DigestLocks


class BlobFolder:
    """Blobs in a folder of one server, and of those who collect and repair beside it.

    See the contract for every method.
    """

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        self._root: Final = folder / ALGORITHM
        self._lock: Final = threading.Lock()
        self._durable_folders: Final[set[str]] = set()
        self._locks: Final = DigestLocks()

    def store(self, upload: StagedUpload, /) -> None:
        """Keep a sealed upload under its digest, durably."""
        digest = upload.seal().digest
        target = self._path(digest)
        with disk_faults("make a folder for a blob"):
            self._make_durable(target.parent)
        with self._locks.of(digest):
            upload.keep(target)

    def read(self, digest: str) -> bytes:
        """Return a blob's bytes, checked."""
        with _missing_is_corrupt(digest), disk_faults("read a blob"):
            content = self._path(digest).read_bytes()
        found = f"{ALGORITHM}:{hashlib.sha256(content).hexdigest()}"
        if found != digest:
            raise CorruptBlob(digest, found)
        return content

    def read_chunks(
        self, digest: str, *, first: int = 0, last: int | None = None
    ) -> Generator[bytes, None, None]:
        """Yield a blob's bytes from `first` to `last`."""
        with _missing_is_corrupt(digest), disk_faults("read a blob"):
            descriptor = os.open(self._path(digest), os.O_RDONLY | os.O_NOFOLLOW)
        try:
            with disk_faults("read a blob"):
                size_bytes = os.fstat(descriptor).st_size
            end = last_position(digest, size_bytes, first, last)
            chunks = _chunks(digest, descriptor, first, end)
            whole = end - first + 1 == size_bytes
            yield from checked_chunks(digest, chunks) if whole else chunks
        finally:
            os.close(descriptor)

    def stat(self, digest: str) -> Blob | None:
        """Return what is known of a blob."""
        path = self._path(digest)
        with disk_faults("look at a blob"):
            return _blob(digest, path)

    def blobs(self) -> Generator[Blob, None, None]:
        """Yield every blob."""
        for prefix in self._entries(self._root):
            for path in self._entries(prefix):
                digest = parse_address(path.relative_to(self._folder).as_posix())
                blob = None if digest is None else self.stat(digest)
                if blob is not None:
                    yield blob

    def remove(self, digest: str, *, stored_before: datetime) -> bool:
        """Remove a blob that was last stored before a time."""
        path = self._path(digest)
        with self._locks.of(digest), disk_faults("remove a blob"):
            blob = _blob(digest, path)
            if blob is None or blob.modified_at >= stored_before:
                return False
            path.unlink()
            return True

    def quarantine(self, digest: str) -> str | None:
        """Move a damaged blob's bytes aside."""
        path, address = self._path(digest), quarantine_address(digest)
        with self._locks.of(digest):
            if is_whole(self, digest):
                return None
            with disk_faults("move a damaged blob aside"):
                make_folder(self._folder / QUARANTINE)
                path.rename(self._folder / address)
                sync_folder(self._folder / QUARANTINE)
                sync_folder(path.parent)
        return address

    def probe(self) -> None:
        """Write, sync and remove a small file."""
        with disk_faults("write to the folder of blobs"):
            write_probe(self._folder)

    def _path(self, digest: str) -> Path:
        return self._folder / blob_address(digest)

    @staticmethod
    def _entries(folder: Path) -> list[Path]:
        try:
            with disk_faults("list the blobs"):
                return list(folder.iterdir())
        except StorageUnavailable as error:
            if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
                return []
            raise

    def _make_durable(self, folder: Path) -> None:
        # A folder that exists may have been made by another thread, or by a process that was
        # killed, and not be durable yet: the first use since the start always syncs its parent.
        with self._lock:
            if folder.name in self._durable_folders:
                return
            make_folder(self._root)
            folder.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self._root)
            self._durable_folders.add(folder.name)


@contextmanager
def _missing_is_corrupt(digest: str) -> Generator[None, None, None]:
    try:
        yield
    except StorageUnavailable as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise CorruptBlob(digest, None) from error
        raise


def _blob(digest: str, path: Path) -> Blob | None:
    """Return what is known of a file, None where there is none. Raises: OSError."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not S_ISREG(status.st_mode):
        return None
    return Blob(digest, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _chunks(digest: str, descriptor: int, first: int, last: int) -> Generator[bytes, None, None]:
    while first <= last:
        with disk_faults("read a blob"):
            chunk = os.pread(descriptor, min(CHUNK_BYTES, last - first + 1), first)
        if not chunk:
            raise CorruptBlob(digest, f"{first} bytes")
        first += len(chunk)
        yield chunk
