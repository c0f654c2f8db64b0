"""The tensors of a file, read from its source when somebody asks for them, and not before."""

from collections.abc import Iterator, Mapping
from typing import Final

from .header import Entry
from .source import ByteSource, chunks
from .tensor import WIDTH_BYTES, TensorData


class FileTensors(Mapping[str, TensorData]):
    """Tensors by name, in grammar order.

    Where the source is in memory they are views of it. Where it is not, each access reads anew,
    keeps nothing, and raises what the source raises; so it is of no use once the source is closed.
    """

    def __init__(self, source: ByteSource, entries: Mapping[str, Entry], data_start: int) -> None:
        """Read entries whose offsets count from `data_start`."""
        self._source: Final = source
        self._entries: Final = entries
        self._data_start: Final = data_start

    def __getitem__(self, name: str) -> TensorData:
        entry = self._entries[name]
        return self._data(entry, entry.shape, entry.begin, entry.end)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape without reading it."""
        return self._entries[name].shape

    def rows(self, name: str, first: int, end: int) -> TensorData:
        """Return the rows `first` up to `end` of a tensor of one dimension or more."""
        entry = self._entries[name]
        count, *rest = entry.shape
        row_bytes = (entry.end - entry.begin) // max(count, 1)
        begin = entry.begin + first * row_bytes
        return self._data(entry, (end - first, *rest), begin, entry.begin + end * row_bytes)

    def pieces(self, name: str) -> Iterator[TensorData]:
        """Yield a tensor's values in order, flat, a piece of bounded size at a time."""
        entry = self._entries[name]
        begin, end = self._data_start + entry.begin, self._data_start + entry.end
        for data in chunks(self._source, begin, end):
            yield TensorData(entry.dtype, (len(data) // WIDTH_BYTES[entry.dtype],), data)

    def _data(self, entry: Entry, shape: tuple[int, ...], begin: int, end: int) -> TensorData:
        data = self._source.read(self._data_start + begin, end - begin)
        return TensorData(entry.dtype, shape, data)
