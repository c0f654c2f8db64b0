"""Conditional and partial downloads: If-None-Match, Range and If-Range (RFC 9110, 13 and 14)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .errors import RangeNotSatisfiable

# One range only; RFC 9110, 14.2, lets a server answer several, or another unit, with the whole.
_SINGLE: Final = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)
_TAGS: Final = re.compile(r'(?:W/)?("[^"]*")')


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes `first` to `last`, both included, of a file of `size_bytes`."""

    first: int
    last: int
    size_bytes: int

    @property
    def length(self) -> int:
        """How many bytes that are."""
        return self.last - self.first + 1

    def content_range(self) -> str:
        """Return the Content-Range header."""
        return f"bytes {self.first}-{self.last}/{self.size_bytes}"


def entity_tag(digest: str) -> str:
    """Return the strong ETag of an adapter file: its digest."""
    return f'"{digest}"'


def matches(headers: Mapping[str, str], tag: str) -> bool:
    """Whether If-None-Match says that the client has this file already."""
    condition = headers.get("if-none-match")
    if condition is None:
        return False
    return condition.strip() == "*" or tag in _TAGS.findall(condition)


def parse_range(headers: Mapping[str, str], tag: str, size_bytes: int) -> ByteRange | None:
    """Return the one range that is asked for, None where the whole file is the answer.

    Raises:
        RangeNotSatisfiable: the range holds no byte of the file.
    """
    found = _SINGLE.fullmatch(headers.get("range", ""))
    if found is None or headers.get("if-range", tag) != tag:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        start, end = max(0, size_bytes - int(last)), size_bytes - 1
    else:
        start, end = int(first), min(int(last), size_bytes - 1) if last else size_bytes - 1
        if last and int(last) < start:
            return None  # no valid range, so the header counts for nothing (RFC 9110, 14.1.1)
    if start >= size_bytes:
        raise RangeNotSatisfiable(size_bytes)
    return ByteRange(start, end, size_bytes)
