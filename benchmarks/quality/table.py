"""Write the benchmark's results as a page: test scores of every task, and the whole search.

python benchmarks/quality/table.py --out OUT > benchmarks/quality/README.md
"""

import argparse
from pathlib import Path
from statistics import mean, stdev

from grid import KEPT_WITHIN, LEARNING_RATES, SEEDS, TASKS, result_run, search_runs
from kinds_table import MISSING, kinds_section, kinds_table
from quality_task import SIDES, QualityTask, Run, Side
from results import Result, read_result, result_path, validation_score

_HEADER = """# Adapters against full fine-tuning

The same backbone (all-MiniLM-L6-v2), the same rows, the same loop, head, batches and schedule; one side trains a Houlsby adapter of size 32 with its own layer norms and the head, the other every weight.
Both sides choose from the same learning rates ({rates}), each for itself and by validation scores only: a search on a sample of the training rows drops the rates that fall more than {kept:g} points behind, the others run on all rows with seed {seed}, and the best of them gets the other seeds.
Epochs, batch size and dropout inside the encoder are a task's own and the same for both sides (the table below; the best epoch on validation is kept).
The test split is measured in the runs on all rows, and chooses nothing.
Adapters are measured as they are shipped: rounded to fp16.

    python benchmarks/quality/run.py --data DATA --out benchmarks/quality/runs
    python benchmarks/quality/table.py --out benchmarks/quality/runs > benchmarks/quality/README.md

Each process used one thread; two ran side by side, on machines of different speed that did other work too, so the minutes are no comparison.
A run that is done is not run again: stop and go on as you like.
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
    print("| task | data | adapter | shipped file | full fine-tuning | shipped minus full |")
    print("|---|---|---:|---:|---:|---:|")
    for task in TASKS:
        print(_result_row(out, task))
    print("\n## What was chosen, and what it cost\n")
    print(
        "| task | side | epochs | batch | hidden dropout | learning rate | validation, mean | minutes a run |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for task in TASKS:
        for side in SIDES:
            print(_choice_row(out, task, side))
    print("\n## The search\n")
    print("Validation scores in points with seed 0, by learning rate.\n")
    for task in TASKS:
        print(_search_table(out, task))
    print("## Every run on all rows\n")
    print(
        "In points; other rates, epochs, batch sizes and dropouts than those above were tried and left.\n"
    )
    print("| run | best epoch | validation | test |")
    print("|---|---:|---:|---:|")
    paths = (path for task in TASKS for path in out.glob(f"{task.name}-*-result-*.json"))
    for path in sorted(paths):
        print(_run_row(path))
    print()
    print(kinds_section())
    print(kinds_table(out), end="")


def _result_row(out: Path, task: QualityTask) -> str:
    adapter, full = (_results(out, task, side) for side in SIDES)
    shipped = _test_points(max(adapter, key=lambda result: result.validation)) if adapter else None
    tests = [[_test_points(result) for result in side] for side in (adapter, full)]
    difference = f"{shipped - mean(tests[1]):+.2f}" if shipped and full else MISSING
    return (
        f"| {task.name} | {task.data} | {_spread(tests[0])} "
        f"| {f'{shipped:.2f}' if shipped else MISSING} | {_spread(tests[1])} | {difference} |"
    )


def _choice_row(out: Path, task: QualityTask, side: Side) -> str:
    runs, results = _best_runs(out, task, side), _results(out, task, side)
    settings = f"{task.epochs} | {task.batch_size} | {task.hidden_dropout:g}"
    if not results:
        return f"| {task.name} | {side} | {settings} | {MISSING} | {MISSING} | {MISSING} |"
    minutes = mean(result.seconds for result in results) / 60
    validation = 100 * mean(result.validation for result in results)
    return (
        f"| {task.name} | {side} | {settings} | {runs[0].learning_rate:g} "
        f"| {validation:.2f} | {minutes:.1f} |"
    )


def _search_table(out: Path, task: QualityTask) -> str:
    lines = [
        f"| {task.name} | " + " | ".join(f"{rate:g}" for rate in LEARNING_RATES) + " |",
        "|---|" + "---:|" * len(LEARNING_RATES),
    ]
    for side in SIDES:
        whole = [result_run(task, side, rate, SEEDS[0]) for rate in LEARNING_RATES]
        for name, runs in (("sample", search_runs(task, side)), ("all rows", whole)):
            cells = [
                f"{100 * validation_score(out, run):.2f}" if result_path(out, run).exists() else ""
                for run in runs
            ]
            lines.append(f"| {side}, {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _run_row(path: Path) -> str:
    result = read_result(path)
    return (
        f"| {path.stem} | {result.best_epoch} "
        f"| {100 * result.validation:.2f} | {_test_points(result):.2f} |"
    )


def _test_points(result: Result) -> float:
    """Return the test score of a run on all rows, which has one, in points."""
    assert result.test is not None  # noqa: S101 (runs on all rows)
    return 100 * result.test


def _spread(values: list[float]) -> str:
    if not values:
        return MISSING
    deviation = f" ± {stdev(values):.2f}" if len(values) > 1 else ""
    seeds = "" if len(values) == len(SEEDS) else f" ({len(values)} of {len(SEEDS)} seeds)"
    return f"{mean(values):.2f}{deviation}{seeds}"


def _best_runs(out: Path, task: QualityTask, side: Side) -> list[Run]:
    """Return the winner's finished runs, or those of the best learning rate so far."""
    done = [
        run
        for rate in LEARNING_RATES
        if result_path(out, run := result_run(task, side, rate, SEEDS[0])).exists()
    ]
    if not done:
        return []
    best = max(done, key=lambda run: validation_score(out, run)).learning_rate
    runs = [result_run(task, side, best, seed) for seed in SEEDS]
    return [run for run in runs if result_path(out, run).exists()]


def _results(out: Path, task: QualityTask, side: Side) -> list[Result]:
    return [read_result(result_path(out, run)) for run in _best_runs(out, task, side)]


if __name__ == "__main__":
    main()
