"""Adapter files on their way to a server and from it: streamed, counted, checked, atomic."""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeAlias

from .errors import DigestMismatch

CHUNK_BYTES = 256 * 1024

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all; starts over where a transfer is repeated."""


@dataclass(frozen=True, slots=True)
class UploadSource:
    """The bytes of one push; can be read as often as the push is repeated."""

    file: Path | bytes
    size_bytes: int
    progress: Progress | None = None

    @classmethod
    def of(cls, file: Path | str | bytes, *, progress: Progress | None = None) -> Self:
        """Make a source of a path or of bytes. Raises: OSError."""
        if isinstance(file, bytes):
            return cls(file, len(file), progress)
        path = Path(file)
        return cls(path, path.stat().st_size, progress)

    def chunks(self) -> Iterator[bytes]:
        """Read from the start, and report progress. Raises: OSError."""
        done_bytes = 0
        for chunk in self._read():
            yield chunk
            done_bytes += len(chunk)
            self._report(done_bytes)

    async def chunks_async(self) -> AsyncIterator[bytes]:
        """As `chunks`; the file is read in a thread, progress is reported on the event loop."""
        done_bytes = 0
        reading = self._read()
        while chunk := await asyncio.to_thread(next, reading, b""):
            yield chunk
            done_bytes += len(chunk)
            self._report(done_bytes)

    def _read(self) -> Iterator[bytes]:
        with self._open() as stream:
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk

    def _report(self, done_bytes: int) -> None:
        if self.progress is not None:
            self.progress(done_bytes, self.size_bytes)

    def _open(self) -> BinaryIO:
        return BytesIO(self.file) if isinstance(self.file, bytes) else self.file.open("rb")


class Download:
    """A file that appears under its name whole and checked, or not at all."""

    def __init__(
        self, path: Path, *, digest: str, size_bytes: int = 0, progress: Progress | None = None
    ) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        self._expected = digest
        self._size_bytes = size_bytes
        self._progress = progress
        self._done_bytes = 0
        self._hash = hashlib.sha256()

    def __enter__(self) -> Self:
        self._stream = self._part.open("xb")
        return self

    def write(self, chunk: bytes) -> None:
        """Append bytes. Raises: OSError."""
        self._hash.update(chunk)
        self._stream.write(chunk)
        self._done_bytes += len(chunk)
        if self._progress is not None:
            self._progress(self._done_bytes, self._size_bytes)

    def commit(self) -> None:
        """Check the digest and move the file to its name, over an older one.

        Raises:
            DigestMismatch: the bytes are not the expected ones.
            OSError: the disk failed.
        """
        found = f"sha256:{self._hash.hexdigest()}"
        if found != self._expected:
            raise DigestMismatch(expected=self._expected, found=found)
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._part.replace(self._path)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self._stream.close()
        self._part.unlink(missing_ok=True)
