"""`multitap predict`: run texts through a task."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import multitap

from .connecting import open_client
from .console import show, table, write_json
from .failures import CommandError, UsageError, fault_lines
from .inputs import (
    STANDARD_INPUT,
    InputFormat,
    InputValue,
    count_lines,
    from_arguments,
    from_file,
    in_batches,
)
from .options import DEFAULT_URL, Json, Url
from .wording import shorten

if TYPE_CHECKING:
    from multitap import ClassificationPrediction, Client, LabelScore, PredictAnswer

BATCH_ROWS = 64
_TEXT_WIDTH = 60


def predict(
    reference: Annotated[
        str, typer.Argument(metavar="REFERENCE", help="TASK, TASK@VERSION or TASK@ALIAS.")
    ],
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="The texts.")] = None,
    *,
    pair: Annotated[
        bool, typer.Option("--pair", help="Take texts two by two; in a text file, split at a tab.")
    ] = False,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Read one input a line; - is stdin.")
    ] = None,
    form: Annotated[
        InputFormat | None,
        typer.Option("--format", help="How the file is written. (default: by its name)"),
    ] = None,
    top_k: Annotated[
        int | None, typer.Option("--top-k", min=1, help="Show so many labels each.")
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
    inputs, total = _inputs(texts or [], file, form, pair=pair)
    with open_client(url) as client:
        answers = _run(client, reference, inputs, total, top_k=top_k, timeout_ms=timeout_ms)
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
    texts: Sequence[str], file: Path | None, form: InputFormat | None, *, pair: bool
) -> tuple[Iterator[InputValue], int | None]:
    if texts and file is not None:
        raise UsageError("texts on the command line and --file exclude each other")
    if texts:
        inputs = from_arguments(texts, pair=pair)
        return iter(inputs), len(inputs)
    if file is None:
        if sys.stdin.isatty():
            raise UsageError("nothing to predict: give texts, or --file")
        file = STANDARD_INPUT
    return from_file(file, form, pair=pair), count_lines(file)


def _run(
    client: "Client",
    reference: str,
    inputs: Iterable[InputValue],
    total: int | None,
    *,
    top_k: int | None,
    timeout_ms: int | None,
) -> Iterator[tuple[list[InputValue], "PredictAnswer"]]:
    """Yield each batch with its answer; all batches run through the version of the first one."""
    from .progress import row_progress  # noqa: PLC0415 (late: --help stays fast)

    done = 0
    with row_progress("predicting", total) as advance:
        for batch in in_batches(inputs, BATCH_ROWS):
            try:
                answer = client.predict(reference, batch, top_k=top_k, timeout_ms=timeout_ms)
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
    rows = table("text", "label", "score", right=["score"])
    for batch, answer in done:
        for value, prediction in zip(batch, answer.predictions, strict=True):
            text = shorten(_text(value), _TEXT_WIDTH)
            scores: Sequence[LabelScore | ClassificationPrediction] = prediction.scores or [
                prediction
            ]
            for index, best in enumerate(scores):
                rows.add_row("" if index else text, best.label, f"{best.score:.3f}")
    truncated = sum(answer.usage.truncated for _, answer in done)
    answer = done[0][1]
    cut = f", {truncated} cut to the task's length" if truncated else ""
    show(rows, f"{answer.task}@{answer.version}{cut}")


def _text(value: InputValue) -> str:
    if isinstance(value, str):
        return value
    return " | ".join(each if isinstance(each, str) else " ".join(each) for each in value.values())
