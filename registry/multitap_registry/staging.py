"""Uploads on their way in: one private file each, hashed as it grows, gone unless it is kept.

The file is written, checked and synced through one descriptor, so that no error of the disk can
fall between two openings. After any error the upload has failed for good: the kernel reports a
lost write once, and a second fsync that succeeds proves nothing. A file that arrived in parts was
synced through the descriptor of each part.
"""

import hashlib
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from multitap_adapters.file import AdapterFile, FileLimits, digest_of, parse_source
from multitap_adapters.file import chunks as source_chunks

from .durable import sync_folder, write_probe
from .errors import RegistryError, StorageUnavailable, UploadTooLarge
from .faults import disk_faults

_OTHER_BYTES: Final = "the disk gave back other bytes than were stored"


class StagingFolder:
    """A folder of unfinished uploads, in the same file system as the blobs."""

    def __init__(self, folder: Path, *, max_upload_bytes: int) -> None:
        self._folder: Final = folder
        self.max_upload_bytes: Final = max_upload_bytes

    def clear(self) -> None:
        """Remove what a killed process left; only for the holder of the folder's lock."""
        with disk_faults("clear the staging folder"):
            for path in self._folder.iterdir():
                # Who works beside may have removed its own meanwhile.
                path.unlink(missing_ok=True)

    def begin_upload(self) -> "StagedUpload":
        """Create an empty upload."""
        return StagedUpload(self._folder / secrets.token_hex(16), self.max_upload_bytes)

    def probe(self) -> None:
        """Write, sync and remove a small file. Raises: StorageFull, StorageUnavailable."""
        with disk_faults("write to the registry's folder"):
            write_probe(self._folder)


class RunningHash(Protocol):
    """A SHA-256 of what has arrived so far."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Take more bytes."""
        ...

    def hexdigest(self) -> str:
        """Return the digest up to here."""
        ...


class StagedUpload:
    """One upload: open, sealed, kept or failed. Once sealed, it is a source of its bytes."""

    def __init__(self, path: Path, limit_bytes: int, *, arrived: RunningHash | None = None) -> None:
        """Create the file; or, with the hash of what has `arrived` there, open one that is whole.

        That one stays where it is unless it is kept.
        """
        self._path: Final = path
        self._limit_bytes: Final = limit_bytes
        self._hash: Final[RunningHash] = arrived or hashlib.sha256()
        self._stays: Final = arrived is not None
        self._failure: RegistryError | None = None
        self._sealed = self._stays
        self._file: AdapterFile | None = None
        self._kept = False
        with disk_faults("start an upload"):
            self._descriptor: int | None = _open(path) if self._stays else _create(path)
            self._size_bytes = os.fstat(self._descriptor).st_size

    @property
    def size_bytes(self) -> int:
        """How many bytes have arrived."""
        return self._size_bytes

    @property
    def arrived_digest(self) -> str:
        """The digest of the bytes as they arrived."""
        return f"sha256:{self._hash.hexdigest()}"

    @property
    def intact(self) -> bool:
        """Whether the file is where it was, and no error of the disk is known."""
        return self._failure is None and not self._kept

    def write(self, chunk: bytes) -> None:
        """Append bytes; see the contract."""
        descriptor = self._require_open()
        if self._sealed:
            raise ValueError("the upload is sealed")
        with self._failing():
            if self._size_bytes + len(chunk) > self._limit_bytes:
                raise UploadTooLarge(self._limit_bytes)
            with disk_faults("store an upload"):
                _write(descriptor, chunk)
            self._hash.update(chunk)
            self._size_bytes += len(chunk)

    def seal(self) -> AdapterFile:
        """Validate what the disk now holds; see the contract."""
        self._require_open()
        self._sealed = True
        if self._file is None:
            with self._failing():
                digest = digest_of(self)
                if digest != self.arrived_digest:
                    raise StorageUnavailable(_OTHER_BYTES)
            limits = FileLimits(size_bytes=self._limit_bytes)
            self._file = parse_source(self, limits=limits, digest=digest)
        return self._file

    def read(self, offset: int, size_bytes: int) -> memoryview:
        """Return stored bytes as the disk gives them back.

        Raises:
            StorageUnavailable: the upload has failed.
        """
        descriptor = self._require_open()
        content = memoryview(bytearray(size_bytes))
        done = 0
        with self._failing(), disk_faults("read an upload back"):
            while done < size_bytes:
                count = os.preadv(descriptor, [content[done:]], offset + done)
                if not count:
                    raise StorageUnavailable(_OTHER_BYTES)
                done += count
        return content.toreadonly()

    def chunks(self) -> Generator[bytes, None, None]:
        """Yield the sealed bytes in order, as the disk gives them back.

        Raises:
            AdapterFileError: the upload was not sealed yet, and is no adapter.
            StorageUnavailable: the upload has failed.
        """
        self.seal()
        for chunk in source_chunks(self, 0, self._size_bytes):
            yield bytes(chunk)

    def keep(self, target: Path) -> None:
        """Make the bytes durable, and then their final name, as a file that is new; and again.

        Raises:
            AdapterFileError: the upload was not sealed yet, and is no adapter.
            StorageFull, StorageUnavailable: the upload has failed, at worst leaving an orphan.
        """
        self.seal()
        descriptor = self._require_open()
        with self._failing(), disk_faults("keep an upload"):
            if self._kept:
                # Whether the name of the first time is still there is not for this file to know.
                self._copy()
            else:
                # An upload may have taken longer than blobs without a row may be old.
                os.utime(descriptor)
                os.fsync(descriptor)
            self._path.rename(target)
            self._kept = True
            sync_folder(target.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        # What cannot be removed now is removed when the registry is opened next.
        with suppress(OSError):
            os.close(descriptor)
        if not self._kept and not self._stays:
            with suppress(OSError):
                self._path.unlink()

    def _copy(self) -> None:
        """Write the bytes to a new file under the name that the upload had, durably."""
        descriptor = _create(self._path)
        self._kept = False
        copied = hashlib.sha256()
        try:
            for chunk in self.chunks():
                copied.update(chunk)
                _write(descriptor, chunk)
            if f"sha256:{copied.hexdigest()}" != self.arrived_digest:
                raise StorageUnavailable(_OTHER_BYTES)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _require_open(self) -> int:
        if self._failure is not None:
            raise self._failure
        if self._descriptor is None:
            raise ValueError("the upload is closed")
        return self._descriptor

    @contextmanager
    def _failing(self) -> Generator[None, None, None]:
        try:
            yield
        except RegistryError as error:
            self._failure = error
            raise


def _create(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_NOFOLLOW)


def _write(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
