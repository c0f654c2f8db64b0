"""A source of bytes that counts what is read of it, as a file on disk is read."""


class CountedSource:
    """Bytes that are copied when they are read; `reads` has the size of every read."""

    def __init__(self, content: bytes) -> None:
        self.reads: list[int] = []
        self._content = content

    @property
    def size_bytes(self) -> int:
        """The number of bytes."""
        return len(self._content)

    def read(self, offset: int, size_bytes: int) -> memoryview:
        """Return a copy, and note it."""
        self.reads.append(size_bytes)
        return memoryview(bytearray(self._content[offset : offset + size_bytes])).toreadonly()
