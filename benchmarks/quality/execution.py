"""One run from data files to scores, and an adapter's file."""

import gzip
import os
import random
import time
from pathlib import Path

from full_finetuning import train_full
from quality_task import Run
from results import Result

from multitap_adapters.backbone import Backbone
from multitap_adapters.embedded import embedded_folder
from multitap_training import (
    CardFacts,
    Files,
    TrainingResult,
    TrainingSettings,
    train_adapter,
    write_file,
)


def execute(run: Run, backbone: Backbone, data: Path, out: Path) -> Result:
    """Train and measure; an adapter of a result run is kept beside its scores.

    Raises:
        KeyboardInterrupt: training was interrupted, so there is nothing to compare.
    """
    started_s = time.monotonic()
    folder = data / run.task.data
    files = run.task.files(folder, out) if run.stage == "result" else _sample(run, folder, out)
    settings = TrainingSettings(
        kind=run.task.kind,
        epochs=run.epochs,
        learning_rate=run.learning_rate,
        batch_size=run.task.batch_size,
        max_tokens=run.task.max_tokens,
        seed=run.seed,
        hidden_dropout=run.task.hidden_dropout,
        positive_label=run.task.positive_label,
    )
    trained = (
        train_full(backbone, embedded_folder(), settings, files)
        if run.side == "full"
        else train_adapter(backbone, settings, files, _facts(run))
    )
    if trained.interrupted:
        raise KeyboardInterrupt
    if isinstance(trained, TrainingResult) and run.stage == "result":
        write_file(out / f"{run.name}.safetensors", trained.data)
    scores: dict[str, dict[str, float]] = {}
    for metric in trained.metrics:
        scores.setdefault(metric.split, {})[metric.name] = metric.value
    firsts = {split: next(iter(found.values())) for split, found in scores.items()}
    return Result(
        best_epoch=trained.epoch,
        validation=firsts["validation"],
        test=firsts.get("test"),
        scores=scores,
        seconds=round(time.monotonic() - started_s, 1),
    )


def _facts(run: Run) -> CardFacts:
    return CardFacts(
        task=run.task.name,
        description=run.task.description,
        languages=("en",),
        licence=run.task.licence,
        data_name=run.task.data,
        data_source=run.task.source,
    )


def _sample(run: Run, folder: Path, out: Path) -> Files:
    """Return a sample of the training rows, and what a search measures."""
    train = _part(run, folder, out, "search-train", slice(0, run.task.search_rows))
    validation = folder / "validation.jsonl.gz"
    if not validation.exists():
        validation = _part(run, folder, out, "search-validation", slice(-1_000, None))
    return Files(train=train, validation=validation)


def _part(run: Run, folder: Path, out: Path, name: str, rows: slice) -> Path:
    """Write a seeded part of the training rows, the same for every run of a task."""
    path = out / f"{run.task.name}-{name}.jsonl"
    lines = gzip.decompress((folder / "train.jsonl.gz").read_bytes()).decode().splitlines()
    random.Random(0).shuffle(lines)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text("\n".join(lines[rows]) + "\n")
    part.replace(path)
    return path
