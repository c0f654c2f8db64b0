"""A program that calls registries until they fail: ``python workload.py``, driven over its pipes.

Everything is imported once. A line of standard input, ``ROUND FOLDER``, starts a child that opens
the registry there and calls it at random; each call is told as JSON before it is made, and again
with its answer. The line ``gone`` follows once that child has ended, or was killed.
"""

import itertools
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from random import Random

from multitap_registry.contract import Registry
from multitap_registry.errors import RegistryError
from multitap_registry.folder import open_registry
from reliability.actor import Actor
from reliability.calls import Call, Recorded
from reliability.direct_caller import DirectCaller

CLIENTS = 2
_CALLS_PER_ROUND = 10_000


class Teller:
    """A journal on standard output; a line is written at once, so that a kill never cuts it."""

    def asked(self, call: Call, at_s: float) -> None:
        """Tell of a call that is about to be made."""
        _say({"asked": asdict(call), "at_s": at_s})

    def answered(self, record: Recorded) -> None:
        """Tell of its answer."""
        answer = asdict(record.answer)
        _say({"answered": record.call.id, "answer": answer, "at_s": record.ended_s})


def run(number: int, folder: Path) -> None:
    """Call the registry in a folder until its storage fails."""
    with open_registry(folder) as registry:
        actors = list(_actors(registry, number))
        _say({"open": True})
        with ThreadPoolExecutor(CLIENTS) as threads:
            list(threads.map(Actor.act_until_cut_off, actors))


def _actors(registry: Registry, number: int) -> list[Actor]:
    first = number * _CALLS_PER_ROUND
    seeds = [first - _CALLS_PER_ROUND + n for n in range(1, 5)] if number else []
    fresh_seeds = itertools.count(first + 1)
    newest = {
        record.task: registry.versions(record.task, limit=1).records[0].version
        for record in registry.tasks(limit=100).records
    }
    return [
        Actor(
            name=f"client-{client}",
            caller=DirectCaller(registry),
            journal=Teller(),
            random=Random(first + client),  # noqa: S311 - a mix, not a secret
            fresh_seeds=fresh_seeds,
            seeds=seeds,
            newest=dict(newest),
            numbers=itertools.count(first),
        )
        for client in range(CLIENTS)
    ]


def _say(document: dict[str, object]) -> None:
    os.write(sys.stdout.fileno(), json.dumps(document).encode() + b"\n")


def main() -> None:
    """Start a child for each line, one after the other."""
    for line in sys.stdin:
        number, _, folder = line.strip().partition(" ")
        child = os.fork()
        if child == 0:
            _say({"child": os.getpid()})
            try:
                run(int(number), Path(folder))
            except RegistryError as error:
                _say({"failed": str(error)})
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        _say({"gone": True})


if __name__ == "__main__":
    main()
