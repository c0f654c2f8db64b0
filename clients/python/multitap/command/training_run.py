"""One run of the trainer, with a progress bar; imports torch, so it is imported late."""

import hashlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeAlias

import torch
import typer
from pydantic import ValidationError
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from multitap_adapters.backbone import read_backbone
from multitap_adapters.errors import AdapterError
from multitap_adapters.linear import GradientLinear
from multitap_adapters.model_folder import find_model_folder
from multitap_adapters.spec import Card, TrainingData
from multitap_training import (
    CardFacts,
    Files,
    TrainingError,
    TrainingResult,
    TrainingSettings,
    train_adapter,
    write_file,
)
from multitap_training import Progress as Step

from .console import facts, show, stderr, table, to_json, write_json
from .failures import CommandError
from .train_request import TrainRequest
from .wording import size

INTERRUPTED = 130
ShowStep: TypeAlias = Callable[[Step], None]


def run_training(request: TrainRequest, *, json: bool) -> None:
    """Train, write the file, and say how good it is.

    Raises:
        CommandError: the data, the settings or the backbone cannot be used.
    """
    card = card_facts(request)
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    try:
        settings = TrainingSettings(**request.settings)  # type: ignore[arg-type]
        folder = find_model_folder(request.backbone)
        with step_progress() as on_progress:
            result = train_adapter(
                read_backbone(folder, linear=GradientLinear),
                settings,
                Files(request.train, request.validation, request.test),
                card,
                on_progress=on_progress,
            )
        write_file(request.out, result.data)
    except (TrainingError, AdapterError) as error:
        raise CommandError(str(error)) from error
    if json:
        write_json(to_json(_document(request, result)))
    else:
        _show(request, result)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)


def card_facts(request: TrainRequest) -> CardFacts:
    """Check what the card will say before hours of training. Raises: CommandError."""
    try:
        card = Card(
            task=request.task,
            description=request.description,
            languages=request.languages,
            licence=request.licence,
            data=(
                TrainingData(
                    name=request.data_name or request.train.name, rows=0, source=request.source
                ),
            ),
        )
    except ValidationError as error:
        first = error.errors()[0]
        place, value = str(first["loc"][0]), str(first["input"])
        message = f"{place} {value[:100]!r} cannot stand on a card: {first['msg'].lower()}"
        raise CommandError(message) from error
    return CardFacts(
        task=request.task,
        description=card.description,
        languages=card.languages,
        licence=card.licence,
        data_name=request.data_name,
        data_source=request.source,
    )


@contextmanager
def step_progress() -> Generator[ShowStep]:
    """Yield a function that shows where a run stands, on a terminal only."""
    console = stderr()
    columns = (
        TextColumn("epoch {task.fields[epoch]}"),
        BarColumn(),
        TextColumn("step {task.completed:.0f}/{task.total}"),
        TextColumn("loss {task.fields[loss]}"),
        TextColumn("best {task.fields[best]}"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        bar = progress.add_task("", total=None, epoch="-", loss="-", best="-", speed="")

        def show_step(step: Step) -> None:
            best = "-" if step.best is None else f"{step.best.name} {step.best.value:.4f}"
            progress.update(
                bar,
                total=step.steps,
                completed=step.step,
                epoch=f"{step.epoch}/{step.epochs}",
                loss=f"{step.loss:.4f}",
                best=best,
                speed=f"{step.tokens_per_s:,.0f} tokens/s",
            )

        yield show_step


def _show(request: TrainRequest, result: TrainingResult) -> None:
    if result.interrupted:
        kept = (
            f"epoch {result.epoch}, the best so far" if result.epoch else "the weights as they were"
        )
        show(f"interrupted: kept {kept}")
    rows = table("metric", "value", "split", "rows", right=["value", "rows"])
    for metric in result.metrics:
        rows.add_row(metric.name, f"{metric.value:.4f}", metric.split, str(metric.rows))
    made = {
        "file": f"{request.out}, {size(len(result.data))}",
        "digest": _digest(result.data),
        "best epoch": str(result.epoch),
        "publish it": f"multitap push {request.task} {request.out}",
    }
    show(rows, "", facts(made))


def _document(request: TrainRequest, result: TrainingResult) -> dict[str, object]:
    return {
        "file": str(request.out),
        "digest": _digest(result.data),
        "size_bytes": len(result.data),
        "epoch": result.epoch,
        "interrupted": result.interrupted,
        "metrics": [metric.model_dump(mode="json") for metric in result.metrics],
        "spec": result.spec.model_dump(mode="json"),
    }


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
