"""Every long tier of the registry's proofs, and a table of what came of it.

PYTHONPATH=tests python benchmarks/reliability/tiers.py [kills] [power-cuts] [system-calls] [speed]

Without names all of them run. The short tiers of the same code are tests. Power cuts and system
calls need root, loop devices and strace; where these are missing the tier is skipped, and says so.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table
from speed import measure

from reliability.kills import run_kills
from reliability.loop_disk import NoLoopDiskError
from reliability.power_cuts import run_power_cuts
from reliability.system_calls import can_attach, enumerate_faults

KILLS = 300
POWER_CUTS = 200
_PROGRESS_EVERY = 25


class SkippedError(Exception):
    """This machine cannot do it, for a reason."""


def kills(folder: Path, rounds: int | None) -> Table:
    """Kill servers under load."""
    return _rounds("kill -9", partial(run_kills, folder), rounds or KILLS)


def power_cuts(folder: Path, rounds: int | None) -> Table:
    """Cut the power of registries under load."""
    try:
        return _rounds("power cut", partial(run_power_cuts, folder), rounds or POWER_CUTS)
    except NoLoopDiskError as error:
        raise SkippedError(str(error)) from error


def system_calls(folder: Path, _rounds: int | None) -> Table:
    """Let every system call of a publish fail."""
    if not can_attach():
        raise SkippedError("needs strace, and the right to attach it to a process")
    ends = enumerate_faults(folder)
    table = Table("call", "fault", "injected", "what the first attempt came to")
    for kind, fault in dict.fromkeys((kind, fault) for kind, fault, _ in ends):
        found = {end: count for (*place, end), count in ends.items() if place == [kind, fault]}
        told = ", ".join(f"{count} {end}" for end, count in found.items())
        table.add_row(kind, fault, str(sum(found.values())), told)
    table.add_row("all", "", str(ends.total()), "the second attempt: one whole version, each time")
    return table


def speed(folder: Path, _rounds: int | None) -> Table:
    """Measure publishes, listings and resolving."""
    table = Table("what", "figure")
    for what, figure in measure(folder):
        table.add_row(what, figure)
    return table


TIERS: Mapping[str, Callable[[Path, int | None], Table]] = {
    "kills": kills,
    "power-cuts": power_cuts,
    "system-calls": system_calls,
    "speed": speed,
}


def main() -> None:
    """Run the tiers that were asked for; exit with 1 where one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tiers", nargs="*", help=f"{', '.join(TIERS)}; all where none is named")
    parser.add_argument("--rounds", type=int, help="kills or power cuts, 300 and 200 by default")
    arguments = parser.parse_args()
    tiers: list[str] = arguments.tiers or list(TIERS)
    if unknown := [name for name in tiers if name not in TIERS]:
        parser.error(f"no tier {unknown[0]!r}, expected one of {', '.join(TIERS)}")
    console = Console()
    failed = False
    for name in tiers:
        began_s = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                table = TIERS[name](Path(folder), arguments.rounds)
            except SkippedError as reason:
                console.print(f"{name}: skipped: {reason}")
                continue
            except Exception:  # noqa: BLE001 - the edge of the program: the other tiers go on
                console.print_exception()
                failed = True
                continue
        console.print(f"{name} ({time.monotonic() - began_s:.0f} s)", table)
    sys.exit(failed)


def _rounds(what: str, run: Callable[..., Counter[str]], rounds: int) -> Table:
    counts = run(rounds=rounds, tell=_tell)
    table = Table(what, "calls", "acknowledged", "refused", "unknown: whole", "unknown: not there")
    ends = ("calls", "ok", "refused", "whole", "absent")
    table.add_row(f"{rounds} rounds", *(str(counts[end]) for end in ends))
    return table


def _tell(number: int) -> None:
    if number % _PROGRESS_EVERY == 0:
        print(f"{number} rounds", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
