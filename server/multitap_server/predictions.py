"""The way of a predict call: resolve, check, encode, submit, wait, decode.

A call is a list of parts. All parts are submitted before the first is awaited, so that they can
share a forward pass; parts that run the same adapter are one submission.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from multitap.wire import (
    Input,
    Parameters,
    PredictAnswer,
    PredictRequest,
    RowAnswer,
    RowsPredictRequest,
    TasksPredictRequest,
)
from multitap_registry.contract import Registry
from multitap_registry.errors import RegistryError
from multitap_registry.reference import Reference

from .config import ServerConfig
from .deadline import Deadline
from .decoding import RunRows, ScoreBudget, decode, decoding_cost
from .encoding import Encoding
from .engine.contract import EncodedRow, Engine, Output
from .engine.errors import AdapterUnavailable, EngineError
from .errors import EdgeError, TooLarge
from .metrics import Metrics
from .parts import Part
from .references import lookup_reference
from .rows import input_rows, require_parameters, require_sizes
from .servability import Servability
from .settling import outcome_error, release, settle
from .threads import Threads

AnswerT = TypeVar("AnswerT", PredictAnswer, RowAnswer)
# What fails one part of a call and leaves the others alone.
_PART_FAILURES: Final = (RegistryError, EngineError, EdgeError)
# Outputs (as `decoding_cost` counts) that are decoded in less time than a hand-over to a thread.
_INLINE_OUTPUTS: Final = 20_000
# Outputs of heads over tokens (tokens times labels) that a call may hold in memory: 256 MiB.
MOST_OUTPUTS: Final = 2**26


@dataclass(frozen=True, slots=True)
class Call:
    """When a call arrived, on the event loop's clock, and how to wait for its client to go."""

    arrived_s: float
    client_gone: Callable[[], Awaitable[None]]


class Predictions:
    """Answers predict calls."""

    def __init__(
        self,
        config: ServerConfig,
        registry: Registry,
        engine: Engine,
        threads: Threads,
        metrics: Metrics,
    ) -> None:
        self._config = config
        self._registry = registry
        self._engine = engine
        self._threads = threads
        self._metrics = metrics
        self._encoding = Encoding(engine, threads)
        self._servability = Servability(engine)

    async def predict(self, reference: str, request: PredictRequest, call: Call) -> PredictAnswer:
        """Answer one task.

        Raises:
            RegistryError, EngineError, EdgeError: whatever refuses the call.
            ClientGone: nobody waits for the answer.
        """
        inputs, places = _listed(request.inputs)
        self._require_sizes(inputs, tasks=1)
        part = self._prepare(reference, inputs, places, request.parameters)
        await self._run([part], request.parameters, call)
        if part.failure is not None:
            raise part.failure
        return part.answer()

    async def predict_tasks(
        self, request: TasksPredictRequest, call: Call
    ) -> list[PredictAnswer | Exception]:
        """Answer every input through every task; a task that fails is its exception.

        Raises:
            EdgeError, Overloaded: what refuses the call as a whole.
            ClientGone: nobody waits for the answer.
        """
        inputs, places = _listed(request.inputs)
        self._require_sizes(inputs, tasks=len(request.tasks))
        prepared = [
            self._attempt(reference, inputs, places, request.parameters)
            for reference in request.tasks
        ]
        await self._run(_parts(prepared), request.parameters, call)
        return [_outcome(each, Part.answer) for each in prepared]

    async def predict_rows(
        self, request: RowsPredictRequest, call: Call
    ) -> list[RowAnswer | Exception]:
        """Answer any mix of rows; a row that fails is its exception. Raises: as above."""
        self._require_sizes([row.input for row in request.rows], tasks=1)
        prepared = [
            self._attempt(row.task, [row.input], [f"rows.{index}.input"], request.parameters)
            for index, row in enumerate(request.rows)
        ]
        await self._run(_parts(prepared), request.parameters, call)
        return [_outcome(each, Part.row_answer) for each in prepared]

    def _require_sizes(self, inputs: Sequence[Input], *, tasks: int) -> None:
        require_sizes(
            inputs,
            tasks=tasks,
            max_rows=self._config.rows_per_call,
            max_characters=self._config.characters_per_row,
        )

    def _prepare(
        self,
        reference: str,
        inputs: Sequence[Input],
        places: Sequence[str],
        parameters: Parameters,
    ) -> Part:
        record = self._registry.resolve(lookup_reference(reference))
        self._servability.require(record.spec)
        kind = record.spec.head.kind
        require_parameters(kind, parameters)
        return Part(record, input_rows(kind, inputs, places), places)

    def _attempt(
        self,
        reference: str,
        inputs: Sequence[Input],
        places: Sequence[str],
        parameters: Parameters,
    ) -> Part | Exception:
        try:
            return self._prepare(reference, inputs, places, parameters)
        except _PART_FAILURES as error:
            return error

    async def _run(self, parts: Sequence[Part], parameters: Parameters, call: Call) -> None:
        """Take prepared parts to their predictions or their failures."""
        if not parts:
            return
        self._require_few_scores(parts, parameters)
        timeout_ms = parameters.timeout_ms
        timeout_s = self._config.predict_timeout_s if timeout_ms is None else timeout_ms / 1000
        deadline = Deadline.after(timeout_s, since_s=call.arrived_s)
        await self._encoding.encode(parts, deadline, truncate=parameters.truncate)
        self._require_few_windows(parts)
        await self._compute([part for part in parts if part.failure is None], deadline, call)
        await self._decode([part for part in parts if part.failure is None], parameters)

    def _require_few_scores(self, parts: Sequence[Part], parameters: Parameters) -> None:
        """Refuse what is too much before it is computed; some answers show it only later."""
        limit = self._config.scores_per_call
        if sum(len(part.rows) * _row_scores(part, parameters) for part in parts) > limit:
            raise TooLarge("the answer", limit, "scores")

    def _require_few_windows(self, parts: Sequence[Part]) -> None:
        limit = self._config.rows_per_call
        if sum(len(part.windows) for part in parts) > limit:
            raise TooLarge("the call", limit, "rows, counting each window of a long text")
        if sum(_token_outputs(part) for part in parts) > MOST_OUTPUTS:
            raise TooLarge("the call", MOST_OUTPUTS, "outputs (tokens times labels)")

    async def _compute(self, parts: Sequence[Part], deadline: Deadline, call: Call) -> None:
        """Submit every part, then wait for all of them."""
        groups: dict[str, list[Part]] = {}
        for part in parts:
            groups.setdefault(part.record.digest, []).append(part)
        futures: dict[str, asyncio.Future[list[Output]]] = {}
        try:
            for digest, group in groups.items():
                rows = [row for part in group for row in part.windows]
                future = self._submit(group, digest, rows, deadline)
                if future is not None:
                    futures[digest] = future
            await settle(futures.values(), deadline, call.client_gone)
            for digest, future in futures.items():
                _collect(groups[digest], future, deadline)
            self._explain_losses(parts)
        finally:
            for future in futures.values():
                release(future)

    def _explain_losses(self, parts: Sequence[Part]) -> None:
        """Say of adapters that could not be read that they were deleted meanwhile, if they were."""
        for part in parts:
            if isinstance(part.failure, AdapterUnavailable):
                record = part.record
                try:
                    self._registry.resolve(Reference(record.task, record.version))
                except RegistryError as gone:
                    part.failure = gone

    def _submit(
        self, group: Sequence[Part], digest: str, rows: Sequence[EncodedRow], deadline: Deadline
    ) -> "asyncio.Future[list[Output]] | None":
        try:
            return self._engine.submit(digest, rows, timeout_s=deadline.remaining_s())
        except EngineError as error:
            for part in group:
                part.failure = error
            return None

    async def _decode(self, parts: Sequence[Part], parameters: Parameters) -> None:
        budget = ScoreBudget(self._config.scores_per_call)
        runs = [(part, part.run_rows()) for part in parts]
        cost = sum(decoding_cost(part.record.spec.head, run, parameters) for part, run in runs)
        if cost <= _INLINE_OUTPUTS:
            _decode_parts(runs, parameters, budget)
        else:
            await self._threads.run(lambda: _decode_parts(runs, parameters, budget))
        for part in parts:
            if part.failure is None:
                self._metrics.count_rows(part.record.spec.head.kind, len(part.rows))


def _listed(inputs: Input | list[Input]) -> tuple[list[Input], list[str]]:
    """Return the inputs as a list, and the name of each in faults."""
    if isinstance(inputs, list):
        return inputs, [f"inputs.{index}" for index in range(len(inputs))]
    return [inputs], ["inputs"]


def _parts(prepared: Sequence[Part | Exception]) -> list[Part]:
    return [each for each in prepared if isinstance(each, Part)]


def _outcome(prepared: Part | Exception, answer: Callable[[Part], AnswerT]) -> AnswerT | Exception:
    if isinstance(prepared, Exception):
        return prepared
    return answer(prepared) if prepared.failure is None else prepared.failure


def _collect(
    group: Sequence[Part], future: "asyncio.Future[list[Output]]", deadline: Deadline
) -> None:
    """Give each part its outputs, or the failure of them all."""
    failure = outcome_error(future, deadline)
    if failure is not None:
        for part in group:
            part.failure = failure
        return
    outputs = future.result()
    start = 0
    for part in group:
        end = start + len(part.windows)
        part.outputs = outputs[start:end]
        start = end


def _token_outputs(part: Part) -> int:
    """Return how many outputs a head over tokens gives for a part; heads that pool give few."""
    head = part.record.spec.head
    if head.input != "tokens":
        return 0
    return head.layers[-1].out * sum(len(row.token_ids) for row in part.windows)


def _row_scores(part: Part, parameters: Parameters) -> int:
    """Return how many numbers the prediction of one row holds, as far as is known beforehand."""
    spec = part.record.spec
    head = spec.head
    match head.kind:
        case "classification" | "multilabel":
            return min(parameters.top_k or 0, len(head.labels))
        case "question_answering":
            return parameters.top_k or 0
        case "embedding":
            return head.layers[-1].out if head.layers else spec.backbone.hidden_size
        case "regression" | "tagging":
            return 0


def _decode_parts(
    runs: Sequence[tuple[Part, RunRows]], parameters: Parameters, budget: ScoreBudget
) -> None:
    for part, run in runs:
        try:
            part.predictions = decode(part.record.spec.head, run, parameters, budget)
        except EdgeError as error:
            part.failure = error
