"""When a client asks again: a pure policy over what went wrong.

Every call of this client may be repeated without harm. Reads and predictions change nothing. The
same bytes pushed twice give the version that exists. A version's number is never used again, so
deleting it twice deletes nothing else, and tags are there or not. Moving an alias with `expected`
cannot undo somebody else's move, because the comparison fails then. The exceptions are moving or
deleting an alias without `expected`, and deleting a task, which may be there anew: they are
repeated only if the request certainly did not leave.
"""

from dataclasses import dataclass
from typing import Literal

from .errors import ConnectionFailed, MultitapError

Repeat = Literal["always", "unsent", "never"]

_BUSY = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `limit` further attempts, none after a wait of more than `longest_wait_s`.

    Only broken connections and the statuses 429 and 503 lead to another attempt; a timeout does
    not, since the server may be working on the request still. Retry-After is honoured; where there
    is none, the waits are `first_wait_s`, then twice as long each time.
    """

    limit: int = 2
    first_wait_s: float = 0.1
    longest_wait_s: float = 10.0

    def wait_s(self, error: MultitapError, *, attempt: int, repeat: Repeat) -> float | None:
        """Return how long to wait before the next attempt; None means to give up.

        `attempt` counts the attempts made so far.
        """
        if attempt > self.limit or not _is_passing(error, repeat):
            return None
        wait_s = error.retry_after_s
        if wait_s is None:
            wait_s = self.first_wait_s * 2 ** (attempt - 1)
        return wait_s if wait_s <= self.longest_wait_s else None


def _is_passing(error: MultitapError, repeat: Repeat) -> bool:
    if repeat == "never":
        return False
    if isinstance(error, ConnectionFailed):
        return repeat == "always" or not error.sent
    return error.status in _BUSY
