"""Adapters against full fine-tuning on real data: run, or go on with, the whole benchmark.

    python benchmarks/quality/run.py --data DATA --out OUT

DATA holds `<set>/{train,validation,test}.jsonl.gz`; OUT gets one JSON file a run, and the adapter
files. Several of these processes may share OUT: each takes runs that no other has taken, of the
tasks that it was given, or of all.
"""

import argparse
import time
from collections.abc import Container
from pathlib import Path

import torch
from execution import execute
from grid import TASKS
from kinds import KIND_TASKS, kind_run
from quality_task import SIDES, Run
from results import claim, release, result_path, write_result
from search import next_runs

from multitap_adapters.backbone import read_backbone
from multitap_adapters.embedded import embedded_folder
from multitap_adapters.linear import GradientLinear


def main() -> None:
    """Take runs until none is left."""
    names = [task.name for task in (*TASKS, *KIND_TASKS)]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--task", action="append", choices=names)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    backbone = read_backbone(embedded_folder(), linear=GradientLinear)
    while (pending := _pending(out, options.task or names)) is not None:
        claimed = next((run for run in pending if claim(out, run)), None)
        if claimed is None:
            time.sleep(5)
            continue
        try:
            result = execute(claimed, backbone, options.data, out)
        except BaseException:
            release(out, claimed)
            raise
        write_result(result_path(out, claimed), result)
        print(claimed.name, result.model_dump_json(exclude_none=True), flush=True)


def _pending(out: Path, names: Container[str]) -> list[Run] | None:
    """Return the runs that can start, None when all are done."""
    runs: list[Run] = []
    waiting = False
    for task in TASKS:
        for side in SIDES:
            if task.name in names:
                found, last = next_runs(out, task, side)
                waiting = waiting or not last
                runs.extend(found)
    runs.extend(kind_run(task, side) for task in KIND_TASKS for side in SIDES if task.name in names)
    left = [run for run in runs if not result_path(out, run).exists()]
    return left if left or waiting else None


if __name__ == "__main__":
    main()
