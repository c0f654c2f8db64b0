"""Windows over a text that is longer than a row: how many, where, and which one answers what.

All windows have the same length, overlap by a third of it at least, and are spread evenly, so that
the last one is as full as the first. A span is answered from the window in whose middle it stands
best: there it has the most context on its poorer side.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise


@dataclass(frozen=True)
class Windows:
    """Windows of `length` tokens each, at `starts`; together they cover all tokens."""

    starts: Sequence[int]
    length: int
    overlap: int

    @classmethod
    def over(cls, tokens: int, room: int) -> "Windows":
        """Return the windows over so many tokens, `room` being the most that one may have.

        Raises:
            ValueError: a window has no room.
        """
        if room < 1:
            raise ValueError(f"a window of {room} tokens has no room")
        if tokens <= room:
            return cls((0,), tokens, tokens)
        overlap = room // 3
        rest = tokens - room
        more = -(-rest // (room - overlap))
        return cls([index * rest // more for index in range(more + 1)], room, overlap)

    @cached_property
    def halfway(self) -> list[int]:
        """The sums of neighbouring starts: where `first + last - length + 1` changes its window."""
        return [a + b for a, b in pairwise(self.starts)]

    def owner(self, first: int, last: int) -> int | None:
        """Return the index of the window that answers the tokens `first` to `last`.

        None where no window holds all of them; up to `overlap` + 1 tokens always have one.
        """
        index = bisect_left(self.halfway, first + last - self.length + 1)
        start = self.starts[index]
        return index if start <= first and last < start + self.length else None
