"""Which runs the search calls for next, by the validation scores of those that are done."""

from pathlib import Path

from grid import KEPT_WITHIN, SEEDS, result_run, search_runs
from quality_task import QualityTask, Run, Side
from results import result_path, validation_score


def next_runs(out: Path, task: QualityTask, side: Side) -> tuple[list[Run], bool]:
    """Return the runs of the latest stage that can start, and whether it is the last one."""
    last = winners(out, task, side)
    return last or finalists(out, task, side) or search_runs(task, side), bool(last)


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
