"""Write the benchmark's results as a page: the result runs' test scores, and the whole search.

python benchmarks/quality/table.py --out OUT > benchmarks/quality/README.md
"""

import argparse
import json
from pathlib import Path
from statistics import mean, stdev

from grid import KEPT_WITHIN, LEARNING_RATES, SEEDS, SIDES, TASKS, QualityTask, Side, search_runs
from run import finalists, result_path, validation_score, winners

_HEADER = """# Adapters against full fine-tuning

The same backbone (all-MiniLM-L6-v2), the same rows, the same loop, head, batches and schedule; one side trains a Houlsby adapter of size 32 with its own layer norms and the head, the other every weight.
Both sides choose from the same learning rates ({rates}) and the same number of epochs (in `grid.py`; the best epoch on validation is kept), each for itself and by validation scores only: a search on a sample of the training rows drops the rates that fall more than {kept:g} points behind, the others run on all rows with seed {seed}, and the best of them gets the other seeds.
The test split is measured in the runs on all rows, and chooses nothing.
Adapters are measured as they are shipped: rounded to fp16.

    python benchmarks/quality/run.py --data DATA --out OUT
    python benchmarks/quality/table.py --out OUT > benchmarks/quality/README.md

Each process used one thread; two ran side by side.
The shipped file of a task is the seed with the best validation score; `server/multitap_server/starter/train.sh` makes them again.
"""


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args().out
    rates = ", ".join(f"{rate:g}" for rate in LEARNING_RATES)
    print(_HEADER.format(seed=SEEDS[0], rates=rates, kept=100 * KEPT_WITHIN))
    print("## Test scores\n")
    print(
        "In points, mean of three seeds and their standard deviation; accuracy, for spam the F1 of `spam`.\n"
    )
    print(
        "| task | data | test rows | adapter | shipped file | full fine-tuning | shipped minus full |"
    )
    print("|---|---|---:|---:|---:|---:|")
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
    print("Validation scores in points with seed 0, by learning rate.\n")
    for task in TASKS:
        print(_search_table(out, task))


def _result_row(out: Path, task: QualityTask) -> str:
    adapter, full = (_results(out, task, side) for side in SIDES)
    shipped = max(adapter, key=lambda scores: scores["validation"])
    tests = [[100 * scores["test"] for scores in side] for side in (adapter, full)]
    return (
        f"| {task.name} | {task.data} | {_spread(tests[0])} | {100 * shipped['test']:.2f} "
        f"| {_spread(tests[1])} | {100 * shipped['test'] - mean(tests[1]):+.2f} |"
    )


def _choice_row(out: Path, task: QualityTask, side: Side) -> str:
    runs = winners(out, task, side)
    scores = _results(out, task, side)
    minutes = mean(score["seconds"] for score in scores) / 60
    return (
        f"| {task.name} | {side} | {runs[0].learning_rate:g} | {task.epochs} "
        f"| {100 * mean(score['validation'] for score in scores):.2f} | {minutes:.1f} |"
    )


def _search_table(out: Path, task: QualityTask) -> str:
    lines = [
        f"| {task.name} | " + " | ".join(f"{rate:g}" for rate in LEARNING_RATES) + " |",
        "|---|" + "---:|" * len(LEARNING_RATES),
    ]
    for side in SIDES:
        sample = {r.learning_rate: validation_score(out, r) for r in search_runs(task, side)}
        whole = {r.learning_rate: validation_score(out, r) for r in finalists(out, task, side)}
        for name, scores in (("sample", sample), ("all rows", whole)):
            cells = [f"{100 * scores[r]:.2f}" if r in scores else "" for r in LEARNING_RATES]
            lines.append(f"| {side}, {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _spread(values: list[float]) -> str:
    return f"{mean(values):.2f} ± {stdev(values):.2f}"


def _results(out: Path, task: QualityTask, side: Side) -> list[dict[str, float]]:
    runs = winners(out, task, side)
    if not runs:
        raise SystemExit(f"the runs of {task.name}, {side}, are not done")
    return [json.loads(result_path(out, run).read_text()) for run in runs]


if __name__ == "__main__":
    main()
