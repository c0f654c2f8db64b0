"""`multitap predict`: run texts through a task."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

import typer

import multitap

from .connecting import open_client
from .console import show, write_json
from .failures import CommandError, UsageError, fault_lines
from .inputs import (
    STANDARD_INPUT,
    InputFormat,
    InputValue,
    Shape,
    count_lines,
    from_arguments,
    from_file,
    in_batches,
)
from .options import DEFAULT_URL, Json, ReferenceArgument, Url

if TYPE_CHECKING:
    from multitap import Client, PredictAnswer

BATCH_ROWS = 64


class Parameters(TypedDict):
    """What a call may say besides its inputs."""

    top_k: int | None
    timeout_ms: int | None
    threshold: float | None
    aggregation: Literal["entity", "token"] | None
    max_answer_tokens: int | None
    normalize: bool | None


class AggregationChoice(StrEnum):
    """How the tags of a text are shown."""

    ENTITY = "entity"
    TOKEN = "token"  # noqa: S105  no password


def predict(
    reference: ReferenceArgument,
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="The texts.")] = None,
    *,
    pair: Annotated[
        bool, typer.Option("--pair", help="Take texts two by two; in a text file, split at a tab.")
    ] = False,
    question: Annotated[
        str | None, typer.Option("--question", help="Ask this of every text.")
    ] = None,
    tokens: Annotated[
        bool, typer.Option("--tokens", help="Send every text as its tokens, split at spaces.")
    ] = False,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Read one input a line; - is stdin.")
    ] = None,
    form: Annotated[
        InputFormat | None,
        typer.Option("--format", help="How the file is written. (default: by its name)"),
    ] = None,
    top_k: Annotated[
        int | None, typer.Option("--top-k", min=1, help="Show so many labels or answers each.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", min=0, max=1, help="The least score of a label (multilabel)."),
    ] = None,
    aggregation: Annotated[
        AggregationChoice | None,
        typer.Option("--aggregation", help="Show entities, or every word (tagging)."),
    ] = None,
    max_answer_tokens: Annotated[
        int | None, typer.Option("--max-answer-tokens", min=1, help="The longest answer.")
    ] = None,
    normalize: Annotated[
        bool | None,
        typer.Option("--normalize/--no-normalize", help="Scale embeddings to length one, or not."),
    ] = None,
    timeout_ms: Annotated[
        int | None, typer.Option("--timeout-ms", min=1, help="The deadline of each call.")
    ] = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Print one JSON document an input, as they come.")
    ] = False,
) -> None:
    """Run texts, or the lines of a file, through a task."""
    if json and jsonl:
        raise UsageError("--json and --jsonl exclude each other")
    shape = Shape(pair=pair, question=question, tokens=tokens)
    shape.require_one()
    inputs, total = _inputs(texts or [], file, form, shape)
    parameters: Parameters = {
        "top_k": top_k,
        "timeout_ms": timeout_ms,
        "threshold": threshold,
        "aggregation": None if aggregation is None else aggregation.value,
        "max_answer_tokens": max_answer_tokens,
        "normalize": normalize,
    }
    with open_client(url) as client:
        answers = _run(client, reference, inputs, total, parameters)
        if jsonl:
            for _, answer in answers:
                _write_lines(answer)
            return
        done = list(answers)
    if json:
        write_json(_merge([answer for _, answer in done]).model_dump_json(exclude_unset=True))
    else:
        _show(done)


def _inputs(
    texts: Sequence[str], file: Path | None, form: InputFormat | None, shape: Shape
) -> tuple[Iterator[InputValue], int | None]:
    if texts and file is not None:
        raise UsageError("texts on the command line and --file exclude each other")
    if texts:
        inputs = from_arguments(texts, shape)
        return iter(inputs), len(inputs)
    if file is None:
        if sys.stdin.isatty():
            raise UsageError("nothing to predict: give texts, or --file")
        file = STANDARD_INPUT
    return from_file(file, form, shape), count_lines(file)


def _run(
    client: "Client",
    reference: str,
    inputs: Iterable[InputValue],
    total: int | None,
    parameters: "Parameters",
) -> Iterator[tuple[list[InputValue], "PredictAnswer"]]:
    """Yield each batch with its answer; all batches run through the version of the first one."""
    from .progress import row_progress  # noqa: PLC0415 (late: --help stays fast)

    done = 0
    with row_progress("predicting", total) as advance:
        for batch in in_batches(inputs, BATCH_ROWS):
            try:
                answer = client.predict(reference, batch, **parameters)
            except multitap.MultitapError as error:
                if not done:
                    raise
                message = f"after {done} inputs: {error.detail}"
                raise CommandError(message, fault_lines(error)) from error
            if len(answer.predictions) != len(batch):
                message = (
                    f"{len(batch)} inputs have {len(answer.predictions)} predictions in the answer"
                )
                raise CommandError(message)
            reference = f"{answer.task}@{answer.version}"
            done += len(batch)
            advance(len(batch))
            yield batch, answer
    if not done:
        raise CommandError("nothing to predict: the input is empty")


def _write_lines(answer: "PredictAnswer") -> None:
    for prediction in answer.predictions:
        row = multitap.RowAnswer(
            task=answer.task,
            version=answer.version,
            digest=answer.digest,
            kind=answer.kind,
            prediction=prediction,
        )
        write_json(row.model_dump_json(exclude_unset=True))


def _merge(answers: "Sequence[PredictAnswer]") -> "PredictAnswer":
    usage = multitap.Usage(
        rows=sum(answer.usage.rows for answer in answers),
        tokens=sum(answer.usage.tokens for answer in answers),
        truncated=sum(answer.usage.truncated for answer in answers),
    )
    predictions = [each for answer in answers for each in answer.predictions]
    return answers[0].model_copy(update={"predictions": predictions, "usage": usage})


def _show(done: "Sequence[tuple[list[InputValue], PredictAnswer]]") -> None:
    from .prediction_table import prediction_table  # noqa: PLC0415 (late: --help stays fast)

    pairs = [pair for batch, answer in done for pair in zip(batch, answer.predictions, strict=True)]
    rows = prediction_table(done[0][1].kind, pairs)
    truncated = sum(answer.usage.truncated for _, answer in done)
    answer = done[0][1]
    cut = f", {truncated} cut to the task's length" if truncated else ""
    show(rows, f"{answer.task}@{answer.version}{cut}")
