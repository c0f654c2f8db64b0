"""What the quality benchmark compares adapters and full fine-tuning on, and one run of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from multitap_training import Files
from multitap_training.settings import Kind

Side = Literal["adapter", "full"]
SIDES: tuple[Side, ...] = ("adapter", "full")


def published_files(folder: Path, out: Path) -> Files:  # noqa: ARG001  (QualityTask.files)
    """Return a data set's own splits; without a validation file training holds rows out."""
    validation = folder / "validation.jsonl.gz"
    return Files(
        train=folder / "train.jsonl.gz",
        validation=validation if validation.exists() else None,
        test=folder / "test.jsonl.gz",
    )


@dataclass(frozen=True, slots=True)
class QualityTask:
    """One data set, what is learned from it, and the facts for the shipped file's card.

    `files` finds the splits in the data set's folder, or derives them into the output folder.
    `search_rows` is the size of the sample that a search trains on. `reported` are the names of
    the test scores that the page shows of a kind other than classification, with their titles.
    """

    name: str
    data: str
    epochs: int
    batch_size: int
    description: str
    licence: str
    source: str
    kind: Kind = "classification"
    max_tokens: int = 128
    hidden_dropout: float = 0.0
    positive_label: str | None = None
    search_rows: int = 0
    files: Callable[[Path, Path], Files] = published_files
    reported: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One training run of the benchmark."""

    task: QualityTask
    side: Side
    stage: Literal["search", "result"]
    learning_rate: float
    epochs: int
    seed: int

    @property
    def name(self) -> str:
        """A name for the run's files."""
        rate = f"{self.learning_rate:.0e}".replace("e-0", "e-")
        task = self.task
        settings = f"batch{task.batch_size}-dropout{task.hidden_dropout:g}"
        point = f"lr{rate}-epochs{self.epochs}-{settings}-seed{self.seed}"
        return f"{task.name}-{self.side}-{self.stage}-{point}"
