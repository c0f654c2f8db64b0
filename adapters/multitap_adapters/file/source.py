"""Where a file's bytes come from: memory, or anything that can be read in pieces."""

from collections.abc import Iterator
from typing import Final, Protocol

# What a reader has in memory of a source that is not in memory already.
CHUNK_BYTES: Final = 1 << 20


class ByteSource(Protocol):
    """A file's bytes, which do not change while it is read; its size is known."""

    @property
    def size_bytes(self) -> int:
        """The size of the whole file."""
        ...

    def read(self, offset: int, size_bytes: int) -> memoryview:
        """Return exactly these bytes, which lie within the file; raises what the source raises."""
        ...


class MemorySource:
    """Bytes in memory; reads are views of them."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._view: Final = memoryview(data).cast("B")

    @property
    def size_bytes(self) -> int:
        """The number of bytes."""
        return len(self._view)

    def read(self, offset: int, size_bytes: int) -> memoryview:
        """Return a view."""
        return self._view[offset : offset + size_bytes]


def chunks(source: ByteSource, begin: int, end: int) -> Iterator[memoryview]:
    """Yield the bytes from `begin` up to `end`, a chunk at a time."""
    for offset in range(begin, end, CHUNK_BYTES):
        yield source.read(offset, min(CHUNK_BYTES, end - offset))
