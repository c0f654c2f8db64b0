"""The one thread that runs batches: takes rows, runs them, hands outputs back.

A batch that fails is halved and run again until the submission that cannot run stands alone, so
that only that one fails. The thread ends when the batcher stops, or when handing back fails.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from .batcher import Batcher
from .contract import Output
from .runner import RunnableRow
from .submission import QueuedRow, Submission

_log = logging.getLogger(__name__)


class Worker:
    """Runs a batcher's rows."""

    def __init__(
        self,
        batcher: Batcher,
        run: Callable[[Sequence[RunnableRow]], list[Output]],
        *,
        hand_back: Callable[[Sequence[Submission], Exception | None], None],
        on_end: Callable[[], None],
    ) -> None:
        """All callbacks run in the worker thread; `run` is a runner's.

        `hand_back` gets submissions that are done, or the one that failed; `on_end` is the last
        act of the thread, however it ends.
        """
        self._batcher = batcher
        self._run_rows = run
        self._hand_back = hand_back
        self._on_end = on_end
        self._thread = threading.Thread(target=self._work, name="multitap-worker", daemon=True)
        self.forward_passes = 0
        self.rows = 0
        self.tokens = 0

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the end, after the batcher has been stopped."""
        if self.alive:
            self._thread.join(timeout_s)

    def _work(self) -> None:
        try:
            # Nothing is kept between two rounds: a finished batch would hold evicted adapters.
            while self._run_next():
                pass
        except Exception:  # noqa: BLE001  logged with its traceback
            # The edge of the thread: its owner learns of the end from `on_end`.
            _log.exception("the worker has died")
        finally:
            self._on_end()

    def _run_next(self) -> bool:
        batch = self._batcher.take()
        if batch:
            self._run(batch)
        return bool(batch)

    def _run(self, batch: list[QueuedRow]) -> None:
        submissions = list(dict.fromkeys(row.submission for row in batch))
        outputs = self._attempt(batch)
        if not isinstance(outputs, Exception):
            self._count(batch)
            for row, output in zip(batch, outputs, strict=True):
                row.submission.outputs[row.index] = output
            done = [s for s in submissions if len(s.outputs) == len(s.rows)]
            if done:
                self._hand_back(done, None)
        elif len(submissions) == 1:
            self._hand_back(submissions, outputs)
        else:
            first = set(submissions[: len(submissions) // 2])
            self._run([row for row in batch if row.submission in first])
            self._run([row for row in batch if row.submission not in first])

    def _attempt(self, batch: list[QueuedRow]) -> list[Output] | Exception:
        try:
            return self._run_rows([RunnableRow(row.adapter, row.encoded) for row in batch])
        except Exception as error:  # noqa: BLE001  logged with its traceback
            # The edge of a batch: whoever waits for these rows gets the error.
            _log.exception("%d rows failed in one forward pass", len(batch))
            return error

    def _count(self, batch: list[QueuedRow]) -> None:
        self.forward_passes += 1
        self.rows += len(batch)
        self.tokens += sum(row.tokens for row in batch)
