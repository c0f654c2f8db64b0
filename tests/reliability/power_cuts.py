"""Power cuts of a registry under load: a round is a mount, two clients, a cut, and a comparison."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from .loop_disk import loop_disk
from .settling import Settling
from .workloads import running_workloads

LONGEST_S = 0.6
# A new disk then, before it is full.
ROUNDS_PER_DISK = 50


def run_power_cuts(
    folder: Path, *, rounds: int, seed: int = 0, tell: Callable[[int], None] = lambda _: None
) -> Counter[str]:
    """Cut the power that many times; return how many calls had which end.

    Raises:
        NoLoopDiskError: this machine has no disk whose power could be cut.
        InconsistencyError, RegistryError: something was lost, or is wrong.
    """
    counts: Counter[str] = Counter()
    random = Random(seed)  # noqa: S311 - moments of cuts, not secrets
    with running_workloads() as workloads:
        for first in range(0, rounds, ROUNDS_PER_DISK):
            with loop_disk(folder) as disk:
                settling = Settling(disk.place / "registry")
                for number in range(first, min(rounds, first + ROUNDS_PER_DISK)):
                    workloads.start(number, settling.folder)
                    # Not to wait for anything: the cut has to fall anywhere in what they do.
                    time.sleep(random.uniform(0, LONGEST_S))
                    disk.cut_power()
                    told = workloads.kill()
                    disk.unmount()
                    disk.mount()
                    settling.settle(told.records())
                    tell(number + 1)
            counts += settling.history.counts
    counts["rounds"] = rounds
    return counts
