"""When a client asks again: a pure policy over what went wrong.

Every call of this client may be repeated without harm. Reads and predictions change nothing. The
same bytes pushed twice give the version that exists, and an upload in parts that was opened twice
is forgotten once by the server. A version's number is never used again, so deleting it twice
deletes nothing else, and tags are there or not. Moving an alias with `expected` cannot undo
somebody else's move, because the comparison fails then. The exceptions are moving or deleting an
alias without `expected`, and deleting a task, which may be there anew: they are repeated only if
the request certainly did not leave.
"""

from dataclasses import dataclass
from typing import Literal

from .errors import (
    BodyTooSlow,
    ConnectionFailed,
    MultitapError,
    RequestTimedOut,
    UploadConflict,
)

Repeat = Literal["always", "unsent", "never"]

_BUSY = frozenset({429, 503})
_PASSING_IN_PARTS = (RequestTimedOut, BodyTooSlow, UploadConflict)


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `limit` further attempts, none after a wait of more than `longest_wait_s`.

    Only broken connections and the statuses 429 and 503 lead to another attempt; a timeout does
    not, since the server may be working on the request still. Retry-After is honoured; where there
    is none, the waits are `first_wait_s`, then twice as long each time.

    A part of a large file is tried `part_limit` further times as long as no byte more arrives: the
    server says where to go on, so that nothing is lost by asking. Waits without Retry-After end at
    `longest_wait_s` then; by default that is half a minute in all.
    """

    limit: int = 2
    first_wait_s: float = 0.1
    longest_wait_s: float = 10.0
    part_limit: int = 8

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

    def part_wait_s(self, error: MultitapError, *, attempt: int) -> float | None:
        """Return the same for a part of a file, or for what ends an upload in parts.

        A timeout passes too: a new request for an upload waits for the one before.
        """
        if attempt > self.part_limit or not (
            isinstance(error, _PASSING_IN_PARTS) or _is_passing(error, "always")
        ):
            return None
        if error.retry_after_s is not None:
            return error.retry_after_s if error.retry_after_s <= self.longest_wait_s else None
        wait_s: float = self.first_wait_s * 2 ** (attempt - 1)
        return min(wait_s, self.longest_wait_s)


def _is_passing(error: MultitapError, repeat: Repeat) -> bool:
    if repeat == "never":
        return False
    if isinstance(error, ConnectionFailed):
        return repeat == "always" or not error.sent
    return error.status in _BUSY
