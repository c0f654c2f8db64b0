"""Adapter files on their way to a server and from it: streamed, counted, checked, atomic."""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeAlias

from .errors import DigestMismatch

CHUNK_BYTES = 256 * 1024

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all; goes back where some are sent once more."""


@dataclass(frozen=True, slots=True)
class UploadSource:
    """The bytes of one push, or a part of them; can be read as often as they are sent.

    The part is `size_bytes` from `start` on, of `total_bytes`.
    """

    file: Path | bytes
    size_bytes: int
    progress: Progress | None = None
    start: int = 0
    total_bytes: int = 0

    @classmethod
    def of(cls, file: Path | str | bytes, *, progress: Progress | None = None) -> Self:
        """Make a source of a path or of bytes. Raises: OSError."""
        content = file if isinstance(file, bytes) else Path(file)
        size_bytes = len(content) if isinstance(content, bytes) else content.stat().st_size
        return cls(content, size_bytes, progress, total_bytes=size_bytes)

    def part(self, start: int, size_bytes: int) -> Self:
        """Return a part of a whole source, which ends with it."""
        return replace(self, start=start, size_bytes=min(size_bytes, self.total_bytes - start))

    def digest(self) -> str:
        """Return the SHA-256 of the bytes, as a server names it. Raises: OSError."""
        state = hashlib.sha256()
        for chunk in self._read():
            state.update(chunk)
        return f"sha256:{state.hexdigest()}"

    def chunks(self) -> Iterator[bytes]:
        """Read from the start, and report progress. Raises: OSError."""
        done_bytes = self.start
        for chunk in self._read():
            yield chunk
            done_bytes += len(chunk)
            self._report(done_bytes)

    async def chunks_async(self) -> AsyncIterator[bytes]:
        """As `chunks`; the file is read in a thread, progress is reported on the event loop."""
        done_bytes = self.start
        reading = self._read()
        while chunk := await asyncio.to_thread(next, reading, b""):
            yield chunk
            done_bytes += len(chunk)
            self._report(done_bytes)

    def _read(self) -> Iterator[bytes]:
        rest = self.size_bytes
        with self._open() as stream:
            stream.seek(self.start)
            while chunk := stream.read(min(CHUNK_BYTES, rest)):
                yield chunk
                rest -= len(chunk)

    def _report(self, done_bytes: int) -> None:
        if self.progress is not None:
            self.progress(done_bytes, self.total_bytes)

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
