"""Following the log of events for ever: a pure policy over pages and failures."""

from collections.abc import Sequence
from typing import Final

from . import registry_calls
from .calls import PAGE_SIZE, Call
from .errors import ConnectionFailed, MultitapError, RequestTimedOut
from .logs import Event, EventList

WAIT_S: Final = 30.0
LONGEST_PAUSE_S: Final = 5.0
_FIRST_PAUSE_S: Final = 0.1
# Of a server that is busy or restarts, or of the proxy before it.
_PASSING: Final = frozenset({429, 502, 503, 504})


class Following:
    """Where a follower stands; it loses no event, and sees none twice.

    `after` None stands behind the newest event of the first answer.
    """

    def __init__(self, after: int | None, *, wait_s: float) -> None:
        self._after = after
        self._wait_s = wait_s
        self._failures = 0
        self._answered = False

    def call(self) -> Call[EventList]:
        """Return what to ask next."""
        if self._after is None:
            return registry_calls.events(after=0, wait_s=0, limit=1)
        return registry_calls.events(after=self._after, wait_s=self._wait_s, limit=PAGE_SIZE)

    def take(self, page: EventList) -> Sequence[Event]:
        """Move on behind an answer, and return its events."""
        self._failures, self._answered = 0, True
        if self._after is None:
            self._after = page.last
            return ()
        self._after = page.next
        return page.events

    def pause_s(self, error: MultitapError) -> float:
        """Return how long to wait before the same question is asked again.

        Raises:
            MultitapError: `error` itself, where it will not pass, or where no server ever answered.
        """
        if not self._answered or not _is_passing(error):
            raise error
        self._failures += 1
        pause_s = error.retry_after_s
        if pause_s is None:
            pause_s = _FIRST_PAUSE_S * 2 ** min(self._failures - 1, 10)
        return min(pause_s, LONGEST_PAUSE_S)


def _is_passing(error: MultitapError) -> bool:
    return isinstance(error, ConnectionFailed | RequestTimedOut) or error.status in _PASSING
