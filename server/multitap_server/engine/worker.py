"""The one thread that runs batches: takes rows, runs them, hands outputs back.

A batch that fails is run again, one submission at a time, so that only the one that cannot run
fails. The thread ends when the batcher stops, or when handing back fails.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from .batcher import Batcher
from .runner import RunnableRow, Runner
from .submission import QueuedRow, Submission

_log = logging.getLogger(__name__)


class Worker:
    """Runs a batcher's rows on a runner."""

    def __init__(
        self,
        batcher: Batcher,
        runner: Runner,
        *,
        hand_back: Callable[[Sequence[Submission], BaseException | None], None],
    ) -> None:
        """`hand_back` is called in the worker thread with submissions that are done, or failed."""
        self._batcher = batcher
        self._runner = runner
        self._hand_back = hand_back
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
        self._thread.join(timeout_s)

    def _work(self) -> None:
        while batch := self._batcher.take():
            try:
                self._run(batch)
            except Exception as error:
                submissions = _submissions(batch)
                _log.exception("a batch of %d rows failed", len(batch))
                if len(submissions) == 1:
                    self._hand_back(submissions, error)
                else:
                    self._run_apart(batch, submissions)

    def _run_apart(self, batch: list[QueuedRow], submissions: list[Submission]) -> None:
        for submission in submissions:
            try:
                self._run([row for row in batch if row.submission is submission])
            except Exception as error:  # noqa: BLE001  the edge of the thread; its caller gets it
                self._hand_back([submission], error)

    def _run(self, batch: list[QueuedRow]) -> None:
        runnable = [
            RunnableRow(row.submission.adapter, row.encoded)
            for row in batch
            if row.submission.adapter is not None
        ]
        outputs = self._runner.run(runnable)
        self.forward_passes += 1
        self.rows += len(batch)
        self.tokens += sum(row.tokens for row in batch)
        for row, output in zip(batch, outputs, strict=True):
            row.submission.outputs[row.index] = output
        done = [s for s in _submissions(batch) if len(s.outputs) == len(s.rows)]
        if done:
            self._hand_back(done, None)


def _submissions(batch: list[QueuedRow]) -> list[Submission]:
    return list(dict.fromkeys(row.submission for row in batch))
