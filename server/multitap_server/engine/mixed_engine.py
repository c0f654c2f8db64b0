"""The engine: tokenizer, bank, batcher, runner and worker behind one contract.

The event loop owns submissions and the bank; the worker thread owns the device. Nothing is shared
between the two but the batcher. A submission holds room in the batcher and a pin in the bank from
the call of `submit`; both are given back once, when its future is done, however that comes about
(`_let_go`), except that queued rows give their own room back when the worker comes to them.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np

from multitap_adapters.backbone import Backbone
from multitap_adapters.file import AdapterFile
from multitap_adapters.loading import open_adapter
from multitap_adapters.spec import AdapterSpec, BackboneIdentity

from .bank import Bank, Loaded, Pin
from .batcher import Batcher
from .contract import (
    EncodedQuestion,
    EncodedRow,
    EncodedWords,
    EngineStatistics,
    Output,
    QuestionRow,
    TextRow,
    TokensRow,
)
from .errors import DeadlineExceeded, EngineStopped, UnsupportedAdapter
from .loader import Loader
from .passing_thread import run_on_passing_thread
from .runner import RunnableRow, Runner
from .settings import EngineSettings
from .submission import Submission
from .tokenizing import encode_questions, encode_texts, encode_words
from .worker import Worker

_LAST_BATCH_S = 10.0


class MixedEngine:
    """Implements the contract of `contract.py` on one backbone."""

    def __init__(
        self,
        backbone: Backbone,
        read_blob: Callable[[str], bytes],
        settings: EngineSettings,
    ) -> None:
        """Prepare; `read_blob` is the registry's, and runs in the loading threads."""
        self._backbone = backbone
        self._loader = Loader(backbone, read_blob)
        self._runner = Runner(backbone)
        self._executor = ThreadPoolExecutor(settings.loading_threads, "multitap-loading")
        self._bank = Bank(
            self._loader.load, budget_bytes=settings.adapter_bytes, executor=self._executor
        )
        self._batcher = Batcher(
            batch_tokens=settings.batch_tokens, queued_tokens=settings.queued_tokens
        )
        self._worker = Worker(
            self._batcher, self._runner.run, hand_back=self._hand_back, on_end=self._worker_ended
        )
        self._drain_s = settings.drain_s
        self._open: set[Submission] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._refusal: str | None = "the engine has not started"

    @property
    def backbone(self) -> BackboneIdentity:
        """The backbone in memory."""
        return self._backbone.identity

    async def start(self) -> None:
        """Start the worker; submissions must come from this event loop."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(run_on_passing_thread, self._runner.warm_up)
        self._refusal = None
        self._worker.start()

    async def stop(self) -> None:
        """Take no more rows, run what is there for a while, fail the rest, and end the threads."""
        self._refusal = "the engine is stopping"
        try:
            if self._open:
                futures = [submission.future for submission in self._open]
                await asyncio.wait(futures, timeout=self._drain_s)
        finally:
            self._fail_open(self._refusal)
            self._batcher.stop()
            self._executor.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._worker.join, _LAST_BATCH_S)

    def require_servable(self, spec: AdapterSpec) -> None:
        """Return where adapters of this specification can run here; cheap."""
        self._loader.require_servable(spec)

    def check(self, file: AdapterFile) -> None:
        """Build the adapter and run a canary row through it; nothing stays resident."""
        self.require_servable(file.spec)
        adapter = open_adapter(file, self._backbone)
        canary = self.encode([TextRow("canary")], max_tokens=file.spec.max_tokens, truncate=True)
        row = RunnableRow(adapter, canary[0])
        (output,) = run_on_passing_thread(lambda: self._runner.run([row]))
        if not np.isfinite(output).all():
            raise UnsupportedAdapter("the adapter's output on a short text is not finite")

    def encode(
        self, rows: Sequence[TextRow], *, max_tokens: int, truncate: bool
    ) -> list[EncodedRow]:
        """Tokenize; long texts are cut to `max_tokens`, or refused where `truncate` is false."""
        return encode_texts(
            self._backbone.tokenizer, rows, max_tokens=max_tokens, truncate=truncate
        )

    def encode_words(
        self, rows: Sequence[TextRow | TokensRow], *, max_tokens: int
    ) -> list[EncodedWords]:
        """Split texts into words, tokenize, and cover each with windows of `max_tokens`."""
        return encode_words(self._backbone.tokenizer, rows, max_tokens=max_tokens)

    def encode_questions(
        self, rows: Sequence[QuestionRow], *, max_tokens: int
    ) -> list[EncodedQuestion]:
        """Tokenize, and cover each context with windows of `max_tokens`, the question in each."""
        return encode_questions(self._backbone.tokenizer, rows, max_tokens=max_tokens)

    def submit(
        self, digest: str, rows: Sequence[EncodedRow], *, timeout_s: float | None = None
    ) -> "asyncio.Future[list[Output]]":
        """Queue the rows of one adapter, and return the future of their outputs, in order."""
        loop = asyncio.get_running_loop()
        self.require_ready()
        submission = Submission(rows, loop.create_future(), digest)
        if not rows:
            submission.future.set_result([])
            return submission.future
        self._batcher.reserve(submission)
        pin = self._bank.pin(digest)
        self._open.add(submission)
        submission.future.add_done_callback(lambda _: self._let_go(submission, pin))
        if timeout_s is not None:
            timer = loop.call_later(timeout_s, _fail, submission, DeadlineExceeded(timeout_s))
            submission.future.add_done_callback(lambda _: timer.cancel())
        if pin.loading.done():
            self._queue(submission, pin.loading)
        else:
            pin.loading.add_done_callback(lambda loading: self._queue(submission, loading))
        return submission.future

    def require_ready(self) -> None:
        """Return where the engine takes rows, and its worker is alive."""
        if self._refusal is not None:
            raise EngineStopped(self._refusal)

    def statistics(self) -> EngineStatistics:
        """Return the counters and levels."""
        return EngineStatistics(
            forward_passes=self._worker.forward_passes,
            rows=self._worker.rows,
            tokens=self._worker.tokens,
            queued_rows=self._batcher.waiting_rows(),
            resident_adapters=len(self._bank),
            resident_bytes=self._bank.resident_bytes,
            adapter_loads=self._bank.loads,
            adapter_evictions=self._bank.evictions,
        )

    def _queue(self, submission: Submission, loading: "asyncio.Future[Loaded]") -> None:
        """Queue rows whose adapter is there, and fail them where it cannot be loaded."""
        if submission.future.done():
            return
        if loading.cancelled():
            _fail(submission, EngineStopped("the engine stopped before the adapter was loaded"))
        elif (error := loading.exception()) is not None:
            _fail(submission, error)
        else:
            self._batcher.put(submission, loading.result().adapter)

    def _let_go(self, submission: Submission, pin: Pin) -> None:
        """Give back what an answered, failed or cancelled submission holds."""
        submission.abandoned = True
        self._open.discard(submission)
        if not submission.queued:
            self._batcher.release(submission)
        pin.release()

    def _fail_open(self, reason: str) -> None:
        for submission in list(self._open):
            _fail(submission, EngineStopped(reason))

    def _worker_ended(self) -> None:
        assert self._loop is not None  # noqa: S101  the worker was started by `start`
        # A closed loop has nobody left who waits.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._refuse_for_ever)

    def _refuse_for_ever(self) -> None:
        self._refusal = self._refusal or "the engine's worker has died"
        self._fail_open(self._refusal)

    def _hand_back(self, submissions: Sequence[Submission], error: Exception | None) -> None:
        assert self._loop is not None  # noqa: S101  the worker was started by `start`
        self._loop.call_soon_threadsafe(_settle, submissions, error)


def _settle(submissions: Sequence[Submission], error: Exception | None) -> None:
    for submission in submissions:
        if error is not None:
            _fail(submission, error)
        elif not submission.future.done():
            outputs = [submission.outputs[index] for index in range(len(submission.rows))]
            submission.future.set_result(outputs)


def _fail(submission: Submission, error: BaseException) -> None:
    if not submission.future.done():
        submission.future.set_exception(error)
