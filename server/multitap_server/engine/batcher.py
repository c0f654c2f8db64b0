"""Which rows run next: a bounded queue, and batches up to a token budget. Holds no tensors.

There is no timer: an idle worker takes what is there. Adapters take turns (`fair_queue.py`), each
one's rows keep the order in which they came, and a row larger than the budget runs alone. Room is
reserved before an adapter is loaded, so that the bound covers rows that wait for their adapter.

Who may queue is as fair as who runs. An adapter's rows may take four times the room that is free
(dynamic thresholds, Choudhury and Hahne 1998), which leaves some to others who want much. An eighth
of the queue is kept for adapters that have at most a 64th of it: no flood refuses those.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable

from multitap_adapters.adapter import Adapter

from .errors import EngineStopped, Overloaded
from .fair_queue import FairQueue
from .submission import QueuedRow, Submission

_FASTEST_RETRY_S = 0.1
_SLOWEST_RETRY_S = 60.0
_GUESSED_TOKENS_PER_S = 5_000.0
_SMOOTHING = 0.2
# A flow may have so many times the room that is free. One part in `_KEPT` of the queue is only for
# flows that have no more than one part in `_LITTLE` of it.
_SHARE = 4
_KEPT = 8
_LITTLE = 64


class Batcher:
    """The queue between the event loop and the worker thread."""

    def __init__(
        self,
        *,
        batch_tokens: int,
        queued_tokens: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._batch_tokens = batch_tokens
        self._queued_tokens = queued_tokens
        self._clock = clock
        self._changed = threading.Condition()
        self._queue = FairQueue()
        self._flow_tokens: Counter[str] = Counter()
        self._waiting_tokens = 0
        self._waiting_rows = 0
        self._tokens_per_s = _GUESSED_TOKENS_PER_S
        self._taken_at_s: float | None = None
        self._taken_tokens = 0
        self._stopped = False

    def reserve(self, submission: Submission) -> None:
        """Count a submission's tokens against the bound.

        An empty queue takes any submission, so that none is too large for ever.

        Raises:
            Overloaded: there is no room now.
            EngineStopped: the engine takes no more rows.
        """
        with self._changed:
            if self._stopped:
                raise EngineStopped("the engine has stopped")
            tokens = submission.tokens
            own_tokens = self._flow_tokens[submission.flow] + tokens
            excess_tokens = self._excess(tokens, own_tokens)
            if self._waiting_tokens and excess_tokens > 0:
                raise Overloaded(self._retry_after_s(excess_tokens))
            self._flow_tokens[submission.flow] = own_tokens
            self._waiting_tokens += tokens
            self._waiting_rows += len(submission.rows)

    def release(self, submission: Submission) -> None:
        """Give back the room of a submission that will not be queued."""
        with self._changed:
            self._forget(submission.flow, submission.tokens, len(submission.rows))

    def put(self, submission: Submission, adapter: Adapter) -> None:
        """Queue a reserved submission's rows; each gives its room back when it is taken."""
        rows = [
            QueuedRow(submission, index, adapter, len(row.token_ids))
            for index, row in enumerate(submission.rows)
        ]
        submission.queued = True
        with self._changed:
            for row in rows:
                self._queue.put(row)
            self._changed.notify()

    def take(self) -> list[QueuedRow]:
        """Wait for rows, and return a batch; an empty one means that the engine stops.

        Rows that nobody waits for any more are dropped here, which is what bounds the queue.
        """
        with self._changed:
            self._measure_drain()
            while True:
                batch = self._next_batch()
                if batch or self._stopped:
                    break
                self._changed.wait()
            self._taken_at_s = self._clock() if batch else None
            self._taken_tokens = sum(row.tokens for row in batch)
            return batch

    def stop(self) -> None:
        """Take no more rows; those that are queued still run."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def waiting_rows(self) -> int:
        """Return the rows that are queued, or wait for their adapter."""
        with self._changed:
            return self._waiting_rows

    def _next_batch(self) -> list[QueuedRow]:
        taken = self._queue.take(self._batch_tokens)
        for row in (*taken.rows, *taken.abandoned):
            self._forget(row.submission.flow, row.tokens, 1)
        return taken.rows

    def _excess(self, tokens: int, own_tokens: int) -> int:
        """Return how many tokens must leave before these, with which a flow has that many, fit."""
        free_tokens = self._queued_tokens - self._waiting_tokens
        if own_tokens <= self._queued_tokens // _LITTLE:
            return tokens - free_tokens
        free_tokens -= self._queued_tokens // _KEPT
        # As a flow's tokens leave, it has fewer and finds more room.
        beyond_share = -((_SHARE * free_tokens - own_tokens) // (1 + _SHARE))
        return max(tokens - free_tokens, beyond_share)

    def _forget(self, flow: str, tokens: int, rows: int) -> None:
        self._waiting_tokens -= tokens
        self._waiting_rows -= rows
        self._flow_tokens[flow] -= tokens
        if not self._flow_tokens[flow]:
            del self._flow_tokens[flow]

    def _measure_drain(self) -> None:
        if self._taken_at_s is None:
            return
        spent_s = max(self._clock() - self._taken_at_s, 1e-6)
        rate = self._taken_tokens / spent_s
        self._tokens_per_s += _SMOOTHING * (rate - self._tokens_per_s)

    def _retry_after_s(self, excess_tokens: int) -> float:
        wait_s = excess_tokens / self._tokens_per_s
        return min(max(wait_s, _FASTEST_RETRY_S), _SLOWEST_RETRY_S)
