"""What a run scored: one JSON file a run, and a claim while a process works on it."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel
from quality_task import Run


class Result(BaseModel, frozen=True):
    """A finished run: the first score of each split, all of them by split and name, and its time.

    Runs made before other kinds than classification were compared have no `scores`.
    """

    best_epoch: int
    validation: float
    test: float | None = None
    scores: Mapping[str, Mapping[str, float]] = {}
    seconds: float


def result_path(out: Path, run: Run) -> Path:
    """Return where a run's scores are kept."""
    return out / f"{run.name}.json"


def read_result(path: Path) -> Result:
    """Return a finished run's scores."""
    return Result.model_validate_json(path.read_text())


def write_result(path: Path, result: Result) -> None:
    """Keep a finished run's scores."""
    path.write_text(result.model_dump_json(indent=1, exclude_none=True) + "\n")


def validation_score(out: Path, run: Run) -> float:
    """Return what a finished run scored on validation."""
    return read_result(result_path(out, run)).validation


def claim(out: Path, run: Run) -> bool:
    """Return whether this process may take the run: the first to ask may."""
    try:
        os.close(os.open(out / f"{run.name}.claim", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def release(out: Path, run: Run) -> None:
    """Let other processes take a run that this one gave up."""
    (out / f"{run.name}.claim").unlink(missing_ok=True)
