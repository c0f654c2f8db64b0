"""Write the benchmark's results as a page: the result runs' test scores, and the whole search.

python benchmarks/quality/table.py --out OUT > benchmarks/quality/README.md
"""

import argparse
import json
from pathlib import Path
from statistics import mean, stdev

from grid import LEARNING_RATES, SEEDS, SIDES, TASKS, QualityTask, Run, Side, search_runs
from run import best_run, result_path

_HEADER = """# Adapters against full fine-tuning

The same backbone (all-MiniLM-L6-v2), the same rows, the same loop, head, batches and schedule; one side trains a Houlsby adapter of size 32 with its own layer norms and the head, the other every weight.
A search with seed {seed} on a sample of the training rows chooses learning rate and epochs for each task and side by the validation score; then {seeds} seeds train on all rows.
The test split is measured once per result run, and chooses nothing.
Adapters are measured as they are shipped: rounded to fp16.

    python benchmarks/quality/run.py --data DATA --out OUT
    python benchmarks/quality/table.py --out OUT > benchmarks/quality/README.md

Learning rates: {rates}; epochs and batch size are in `grid.py`.
One thread a process; the shipped files are those of seed {seed}, and `server/multitap_server/starter/train.sh` makes them again.
"""


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args().out
    rates = ", ".join(f"{rate:g}" for rate in LEARNING_RATES)
    print(_HEADER.format(seed=SEEDS[0], seeds=len(SEEDS), rates=rates))
    print("## Test scores\n")
    print(
        "In points, mean of the seeds and their standard deviation; accuracy, for spam the F1 of `spam`.\n"
    )
    print(
        "| task | data | test rows | adapter | shipped file | full fine-tuning | shipped minus full |"
    )
    print("|---|---|---:|---:|---:|---:|---:|")
    for task in TASKS:
        print(_result_row(out, task))
    print("\n## What was chosen, and what it cost\n")
    print(
        "| task | side | learning rate | epochs | validation, in the search | minutes per result run |"
    )
    print("|---|---|---:|---:|---:|---:|")
    for task in TASKS:
        for side in SIDES:
            print(_choice_row(out, task, side))
    print("\n## The search\n")
    print("Validation scores in points, by learning rate and epochs.\n")
    for task in TASKS:
        print(_search_table(out, task))


def _result_row(out: Path, task: QualityTask) -> str:
    adapter, full = (_scores(out, task, side) for side in SIDES)
    rows = _read(out, _results(out, task, "adapter")[0]).get("test_rows", "")
    return (
        f"| {task.name} | {task.data} | {rows} | {_spread(adapter)} | {adapter[0]:.2f} "
        f"| {_spread(full)} | {adapter[0] - mean(full):+.2f} |"
    )


def _choice_row(out: Path, task: QualityTask, side: Side) -> str:
    best = _best(out, task, side)
    minutes = mean(_read(out, run)["seconds"] for run in _results(out, task, side)) / 60
    validation = 100 * _read(out, best)["validation"]
    return (
        f"| {task.name} | {side} | {best.learning_rate:g} | {best.epochs} "
        f"| {validation:.2f} | {minutes:.1f} |"
    )


def _search_table(out: Path, task: QualityTask) -> str:
    columns = [(rate, epochs) for rate in LEARNING_RATES for epochs in task.epochs]
    lines = [
        f"| {task.name} | " + " | ".join(f"{r:g}, {e}" for r, e in columns) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for side in SIDES:
        values = [100 * _read(out, run)["validation"] for run in search_runs(task, side)]
        lines.append(f"| {side} | " + " | ".join(f"{value:.2f}" for value in values) + " |")
    return "\n".join(lines) + "\n"


def _spread(values: list[float]) -> str:
    return f"{mean(values):.2f} ± {stdev(values):.2f}"


def _scores(out: Path, task: QualityTask, side: Side) -> list[float]:
    return [100 * _read(out, run)["test"] for run in _results(out, task, side)]


def _results(out: Path, task: QualityTask, side: Side) -> list[Run]:
    best = _best(out, task, side)
    return [Run(task, side, "result", best.learning_rate, best.epochs, seed) for seed in SEEDS]


def _best(out: Path, task: QualityTask, side: Side) -> Run:
    best = best_run(out, task, side)
    if best is None:
        raise SystemExit(f"the search of {task.name}, {side}, is not done")
    return best


def _read(out: Path, run: Run) -> dict[str, float]:
    document: dict[str, float] = json.loads(result_path(out, run).read_text())
    return document


if __name__ == "__main__":
    main()
