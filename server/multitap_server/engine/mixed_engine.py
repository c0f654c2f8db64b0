"""The engine: tokenizer, bank, batcher, runner and worker behind one contract.

The event loop owns submissions and the bank; the worker thread owns the device. Nothing is shared
between the two but the batcher.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from multitap_adapters.adapter import require_runnable
from multitap_adapters.backbone import Backbone, require_same_backbone
from multitap_adapters.errors import AdapterError, UnsupportedSpec, WrongBackbone
from multitap_adapters.file import AdapterFile, AdapterFileError, parse_adapter
from multitap_adapters.loading import load_adapter
from multitap_adapters.spec import AdapterSpec, BackboneIdentity
from multitap_registry.errors import RegistryError

from .bank import Bank, Loaded
from .batcher import Batcher
from .contract import EncodedRow, EngineStatistics, Output, TextRow
from .errors import (
    AdapterUnavailable,
    BackboneMismatch,
    DeadlineExceeded,
    EngineError,
    EngineStopped,
    InputTooLong,
    UnsupportedAdapter,
)
from .runner import RunnableRow, Runner
from .settings import EngineSettings
from .submission import Submission
from .worker import Worker

_log = logging.getLogger(__name__)
_DRAIN_S = 30.0


class MixedEngine:
    """Implements the contract of `contract.py` on one backbone."""

    def __init__(
        self,
        backbone: Backbone,
        read_blob: Callable[[str], bytes],
        settings: EngineSettings,
    ) -> None:
        """Prepare; `read_blob` returns an adapter file's verified bytes by digest, and blocks."""
        self._backbone = backbone
        self._read_blob = read_blob
        self._runner = Runner(backbone)
        self._executor = ThreadPoolExecutor(settings.loading_threads, "multitap-loading")
        self._bank = Bank(self._load, budget_bytes=settings.adapter_bytes, executor=self._executor)
        self._batcher = Batcher(
            batch_tokens=settings.batch_tokens, queued_tokens=settings.queued_tokens
        )
        self._worker = Worker(self._batcher, self._runner, hand_back=self._hand_back)
        self._loads: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False

    @property
    def backbone(self) -> BackboneIdentity:
        """The backbone in memory."""
        return self._backbone.identity

    async def start(self) -> None:
        """Start the worker; submissions must come from this event loop."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._runner.warm_up)
        self._worker.start()

    async def stop(self) -> None:
        """Take no more rows, run what is queued, and end the threads."""
        self._stopping = True
        await asyncio.gather(*self._loads, return_exceptions=True)
        self._batcher.stop()
        await asyncio.to_thread(self._worker.join, _DRAIN_S)
        self._executor.shutdown(wait=False, cancel_futures=True)

    def require_servable(self, spec: AdapterSpec) -> None:
        """Return where adapters of this specification can run here."""
        try:
            require_same_backbone(spec.backbone, self.backbone)
            require_runnable(spec)
        except WrongBackbone as error:
            raise BackboneMismatch(
                error.field, expected=error.expected, found=error.found
            ) from None
        except UnsupportedSpec as error:
            raise UnsupportedAdapter(str(error)) from None
        if spec.max_tokens > self._backbone.config.max_positions:
            raise UnsupportedAdapter(
                f"max_tokens is {spec.max_tokens}, "
                f"the backbone has {self._backbone.config.max_positions} positions"
            )

    def check(self, file: AdapterFile) -> None:
        """Build the adapter and run a canary row through it; nothing stays resident."""
        self.require_servable(file.spec)
        adapter = load_adapter(file, self._backbone)
        canary = self.encode([TextRow("canary")], max_tokens=file.spec.max_tokens, truncate=True)
        (output,) = self._runner.run([RunnableRow(adapter, canary[0])])
        if not np.isfinite(output).all():
            raise UnsupportedAdapter("the adapter's output on a short text is not finite")

    def encode(
        self, rows: Sequence[TextRow], *, max_tokens: int, truncate: bool
    ) -> list[EncodedRow]:
        """Tokenize; long texts are cut to `max_tokens`, or refused where `truncate` is false."""
        texts = [row.text if row.text_pair is None else (row.text, row.text_pair) for row in rows]
        tokenized = self._backbone.tokenizer.tokenize(texts, max_tokens=max_tokens)
        encoded: list[EncodedRow] = []
        for index, row in enumerate(tokenized):
            truncated = row.tokens > max_tokens
            if truncated and not truncate:
                raise InputTooLong(index, tokens=row.tokens, limit_tokens=max_tokens)
            encoded.append(EncodedRow(row.token_ids, row.type_ids, truncated))
        return encoded

    def submit(
        self, digest: str, rows: Sequence[EncodedRow], *, timeout_s: float | None = None
    ) -> "asyncio.Future[list[Output]]":
        """Queue the rows of one adapter, and return the future of their outputs, in order."""
        loop = asyncio.get_running_loop()
        if self._stopping:
            raise EngineStopped("the engine is stopping")
        submission = Submission(digest, rows, loop.create_future())
        self._batcher.reserve(submission)
        if timeout_s is not None:
            timer = loop.call_later(timeout_s, _expire, submission, timeout_s)
            submission.future.add_done_callback(lambda _: timer.cancel())
        submission.adapter = self._bank.pin(digest)
        if submission.adapter is not None:
            self._queue(submission)
        else:
            load = loop.create_task(self._load_and_queue(submission))
            self._loads.add(load)
            load.add_done_callback(self._loads.discard)
        return submission.future

    def require_ready(self) -> None:
        """Return where the worker is alive and takes rows."""
        if self._stopping or not self._worker.alive:
            raise EngineStopped("the engine is stopping" if self._stopping else "no worker runs")

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

    async def _load_and_queue(self, submission: Submission) -> None:
        try:
            submission.adapter = await self._bank.pin_loaded(submission.digest)
        except EngineError as error:
            self._batcher.release(submission)
            _fail(submission, error)
            return
        except Exception as error:
            # The edge of this task: whoever waits for the rows must get an answer.
            _log.exception("adapter %s cannot be loaded", submission.digest)
            self._batcher.release(submission)
            _fail(submission, AdapterUnavailable(submission.digest, type(error).__name__))
            return
        if submission.future.done():
            self._batcher.release(submission)
            self._bank.unpin(submission.digest)
            return
        self._queue(submission)

    def _queue(self, submission: Submission) -> None:
        submission.future.add_done_callback(lambda _: self._let_go(submission))
        self._batcher.put(submission)

    def _let_go(self, submission: Submission) -> None:
        submission.abandoned = True
        self._bank.unpin(submission.digest)

    def _hand_back(self, submissions: Sequence[Submission], error: BaseException | None) -> None:
        assert self._loop is not None  # noqa: S101  the worker was started by `start`
        self._loop.call_soon_threadsafe(_settle, submissions, error)

    def _load(self, digest: str) -> Loaded:
        try:
            file = parse_adapter(self._read_blob(digest))
            if file.digest != digest:
                raise AdapterUnavailable(digest, f"its bytes have the digest {file.digest}")
            self.require_servable(file.spec)
            adapter = load_adapter(file, self._backbone)
        except (RegistryError, AdapterFileError, AdapterError) as error:
            raise AdapterUnavailable(digest, str(error)) from error
        if file.spec.backbone.tokenizer_digest != self.backbone.tokenizer_digest:
            _log.warning("adapter %s was trained with another tokenizer", digest)
        return Loaded(adapter, adapter.size_bytes)


def _settle(submissions: Sequence[Submission], error: BaseException | None) -> None:
    for submission in submissions:
        if error is not None:
            _fail(submission, error)
        elif not submission.future.done():
            outputs = [submission.outputs[index] for index in range(len(submission.rows))]
            submission.future.set_result(outputs)


def _expire(submission: Submission, timeout_s: float) -> None:
    _fail(submission, DeadlineExceeded(timeout_s))


def _fail(submission: Submission, error: BaseException) -> None:
    if not submission.future.done():
        submission.future.set_exception(error)
