"""The page's part on the kinds other than classification."""

from pathlib import Path

from kinds import KIND_TASKS, LEARNING_RATES, SEED, kind_run
from quality_task import SIDES, QualityTask, Side
from results import Result, read_result, result_path

MISSING = "not measured yet"

_ABOUT = """## The other kinds

Every other kind that can be trained, by the same loop as above; each task was trained once a side, with seed {seed}, so a difference of a point says little.
Nothing was searched for these tasks: the learning rates are those that the search above chose for `sentiment` and `question-type` ({rates}); epochs, batch size and no dropout inside the encoder were fixed beforehand.
The best epoch on validation is kept; where a set has no validation file of its own (`question-pairs`, `answers`), a seeded tenth of the training rows is held out for that.

* `entities` and `part-of-speech` are read at a word's first token; F1 counts whole entities, with their type.
* `similarity` has labels from 0 to 5, learned as values of mean 0 and deviation 1; correlations do not depend on the unit.
* `question-pairs` is derived: the questions of trec6, shuffled with a seed and joined two by two within each split; a text's labels are the coarse types of both questions.
* `answers` is trained on a published subset of SQuAD's training part (14,348 of 87,599 questions) and measured on its whole validation part (10,570 questions), once at the end, by the official rules with all right answers: no comparison with published scores.

Test scores in points; two values are adapter and full fine-tuning where a column is of both.
"""

_TITLES: dict[Side, str] = {"adapter": "adapters", "full": "full fine-tuning"}
_COLUMNS = (
    "task",
    "data",
    "metric",
    "adapter",
    "full fine-tuning",
    "epochs",
    "batch",
    "learning rates",
    "minutes",
)


def kinds_section() -> str:
    """Return what was compared, without scores."""
    rates = ", ".join(f"{rate:g} for {_TITLES[side]}" for side, rate in LEARNING_RATES.items())
    return _ABOUT.format(seed=SEED, rates=rates)


def kinds_table(out: Path) -> str:
    """Return the scores so far."""
    rule = "|---|---|---|" + "---:|" * (len(_COLUMNS) - 3)
    rows = [_row(task, [_result(out, task, side) for side in SIDES]) for task in KIND_TASKS]
    return "\n".join(["| " + " | ".join(_COLUMNS) + " |", rule, *rows]) + "\n"


def _result(out: Path, task: QualityTask, side: Side) -> Result | None:
    path = result_path(out, kind_run(task, side))
    return read_result(path) if path.exists() else None


def _row(task: QualityTask, results: list[Result | None]) -> str:
    cells = [
        task.name,
        task.data,
        " / ".join(title for _, title in task.reported),
        *(_scores(task, result) for result in results),
        str(task.epochs),
        str(task.batch_size),
        " / ".join(f"{LEARNING_RATES[side]:g}" for side in SIDES),
        " / ".join(f"{result.seconds / 60:.1f}" if result else MISSING for result in results)
        if any(results)
        else MISSING,
    ]
    return "| " + " | ".join(cells) + " |"


def _scores(task: QualityTask, result: Result | None) -> str:
    if result is None:
        return MISSING
    return " / ".join(f"{100 * result.scores['test'][name]:.2f}" for name, _ in task.reported)
