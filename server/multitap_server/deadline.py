"""How long a call may take, counted from its arrival."""

import asyncio
from dataclasses import dataclass
from typing import Self

from .engine.errors import DeadlineExceeded


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the event loop's clock, and the span that it ends."""

    at_s: float
    timeout_s: float

    @classmethod
    def after(cls, timeout_s: float, *, since_s: float) -> Self:
        """Return the deadline of a call that arrived at `since_s` on the loop's clock."""
        return cls(since_s + timeout_s, timeout_s)

    def remaining_s(self) -> float:
        """Return the time that is left. Raises: DeadlineExceeded, where none is."""
        left_s = self.at_s - asyncio.get_running_loop().time()
        if left_s <= 0:
            raise self.exceeded()
        return left_s

    def exceeded(self) -> DeadlineExceeded:
        """Return the error that names the whole span."""
        return DeadlineExceeded(self.timeout_s)
