"""Adapters against full fine-tuning on real data: run, or go on with, the whole benchmark.

    python benchmarks/quality/run.py --data DATA --out OUT

DATA holds `<set>/{train,validation,test}.jsonl.gz`; OUT gets one JSON file a run, and the adapter
files. Several of these processes may share OUT: each takes runs that no other has taken, of the
tasks that it was given, or of all.
"""

import argparse
import gzip
import json
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from full_finetuning import FullLearner
from grid import KEPT_WITHIN, SEEDS, SIDES, TASKS, QualityTask, Run, Side, result_run, search_runs

from multitap_adapters.backbone import Backbone, read_backbone
from multitap_adapters.embedded import embedded_folder
from multitap_adapters.linear import GradientLinear
from multitap_training import CardFacts, Files, TrainingSettings, train_adapter, write_file
from multitap_training.dataset import read_dataset
from multitap_training.loop import Loop
from multitap_training.objectives.classification import Classification
from multitap_training.source import read_examples
from multitap_training.trainer import Scorer


def main() -> None:
    """Take runs until none is left."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--task", action="append", choices=[task.name for task in TASKS])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    backbone = read_backbone(embedded_folder(), linear=GradientLinear)
    tasks = [task for task in TASKS if not options.task or task.name in options.task]
    while (pending := _pending(out, tasks)) is not None:
        claimed = next((run for run in pending if _claim(out, run)), None)
        if claimed is None:
            time.sleep(5)
            continue
        started_s = time.monotonic()
        scores = _execute(claimed, backbone, options.data, out)
        scores["seconds"] = round(time.monotonic() - started_s, 1)
        result_path(out, claimed).write_text(json.dumps(scores, indent=1) + "\n")
        print(claimed.name, scores, flush=True)


def finalists(out: Path, task: QualityTask, side: Side) -> list[Run]:
    """Return the runs on all rows that the sample search calls for; none while it goes on."""
    searched = search_runs(task, side)
    if not all(result_path(out, run).exists() for run in searched):
        return []
    scores = [validation_score(out, run) for run in searched]
    return [
        result_run(task, side, run.learning_rate, SEEDS[0])
        for run, score in zip(searched, scores, strict=True)
        if score >= max(scores) - KEPT_WITHIN
    ]


def winners(out: Path, task: QualityTask, side: Side) -> list[Run]:
    """Return the best finalist with every seed; none while the finalists run."""
    runs = finalists(out, task, side)
    if not runs or not all(result_path(out, run).exists() for run in runs):
        return []
    best = max(runs, key=lambda run: validation_score(out, run))
    return [result_run(task, side, best.learning_rate, seed) for seed in SEEDS]


def validation_score(out: Path, run: Run) -> float:
    """Return what a finished run scored on validation."""
    score: float = json.loads(result_path(out, run).read_text())["validation"]
    return score


def result_path(out: Path, run: Run) -> Path:
    """Return where a run's scores are kept."""
    return out / f"{run.name}.json"


def _pending(out: Path, tasks: Sequence[QualityTask]) -> list[Run] | None:
    """Return the runs that can start, None when all are done."""
    runs: list[Run] = []
    waiting = False
    for task in tasks:
        for side in SIDES:
            last = winners(out, task, side)
            waiting = waiting or not last
            runs.extend(last or finalists(out, task, side) or search_runs(task, side))
    left = [run for run in runs if not result_path(out, run).exists()]
    return left if left or waiting else None


def _claim(out: Path, run: Run) -> bool:
    try:
        os.close(os.open(out / f"{run.name}.claim", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def _execute(run: Run, backbone: Backbone, data: Path, out: Path) -> dict[str, float | int]:
    folder = data / run.task.data
    validation = folder / "validation.jsonl.gz"
    train = folder / "train.jsonl.gz" if run.stage == "result" else _sample(run, folder, out)
    if run.stage == "search" and not validation.exists():
        validation = _held_out(run, folder, out)
    files = Files(
        train=train,
        validation=validation if validation.exists() else None,
        test=folder / "test.jsonl.gz" if run.stage == "result" else None,
    )
    settings = TrainingSettings(
        epochs=run.epochs,
        learning_rate=run.learning_rate,
        batch_size=run.task.batch_size,
        seed=run.seed,
        hidden_dropout=run.task.hidden_dropout,
        positive_label=run.task.positive_label,
    )
    if run.side == "full":
        return _train_full(settings, files, backbone)
    facts = CardFacts(
        task=run.task.name,
        description=run.task.description,
        languages=("en",),
        licence=run.task.licence,
        data_name=run.task.data,
        data_source=run.task.source,
    )
    result = train_adapter(backbone, settings, files, facts)
    if run.stage == "result":
        write_file(out / f"{run.name}.safetensors", result.data)
    firsts: dict[str, float | int] = {"best_epoch": result.epoch}
    for metric in result.metrics:
        firsts.setdefault(metric.split, metric.value)
    return firsts


def _train_full(
    settings: TrainingSettings, files: Files, backbone: Backbone
) -> dict[str, float | int]:
    kind, tokenizer, max_tokens = (
        Classification(settings.positive_label),
        backbone.tokenizer,
        settings.max_tokens,
    )
    dataset = read_dataset(
        kind, files.train, files.validation, tokenizer, max_tokens=max_tokens, seed=settings.seed
    )
    objective = dataset.objective
    learner = FullLearner(embedded_folder(), len(objective.labels), settings.seed)
    measure = Scorer(learner, objective)
    fit = Loop(
        learner, settings, dataset.train, objective.loss, lambda: measure(dataset.validation)
    ).run()
    best = fit.measurement.scores[0].value
    scores: dict[str, float | int] = {"best_epoch": fit.epoch, "validation": best}
    if files.test is not None:
        examples = read_examples(files.test, kind.fields, kind.parse)
        test = objective.encode(files.test, examples, tokenizer, max_tokens)
        scores["test"] = measure(test).scores[0].value
    return scores


def _sample(run: Run, folder: Path, out: Path) -> Path:
    return _part(run, folder, out, "search-train", slice(0, run.task.search_rows))


def _held_out(run: Run, folder: Path, out: Path) -> Path:
    return _part(run, folder, out, "search-validation", slice(-1_000, None))


def _part(run: Run, folder: Path, out: Path, name: str, rows: slice) -> Path:
    """Write a seeded part of the training rows, the same for every run of a task."""
    path = out / f"{run.task.name}-{name}.jsonl"
    lines = gzip.decompress((folder / "train.jsonl.gz").read_bytes()).decode().splitlines()
    random.Random(0).shuffle(lines)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text("\n".join(lines[rows]) + "\n")
    part.replace(path)
    return path


if __name__ == "__main__":
    main()
