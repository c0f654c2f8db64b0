"""A mix of calls without any crash, for tests of the contract and of the harness itself."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from random import Random

from multitap_registry.contract import AuditLine, Registry

from .actor import OPERATIONS, Actor, Notebook, look
from .calls import Recorded
from .direct_caller import DirectCaller

CLIENTS = 3
STEPS = 60
_PAUSE_S = 0.001
# For clients of several servers, whose reads may lag.
CHANGES = tuple((weight, act) for weight, act in OPERATIONS if act is not look)

Log = tuple[list[Recorded], list[AuditLine]]


def run_mix(*registries: Registry, seed: int, meanwhile: Callable[[], object] | None = None) -> Log:
    """Let clients call registries of one database at random; return what they heard and its log.

    `meanwhile` is called again and again while they do.
    """
    notebook = Notebook()
    seeds: list[int] = []
    fresh_seeds = itertools.count(1)
    actors = [
        Actor(
            name=f"client-{number}",
            caller=DirectCaller(registries[number % len(registries)]),
            journal=notebook,
            random=Random(seed * CLIENTS + number),  # noqa: S311 - a mix, not a secret
            fresh_seeds=fresh_seeds,
            seeds=seeds,
            operations=OPERATIONS if len(registries) == 1 else CHANGES,
        )
        for number in range(CLIENTS)
    ]
    with ThreadPoolExecutor(CLIENTS) as threads:
        running = [threads.submit(_run, actor) for actor in actors]
        while meanwhile is not None and wait(running, timeout=_PAUSE_S).not_done:
            meanwhile()
    for future in running:
        future.result()
    return list(notebook.take()), list(registries[0].audit(after=0, limit=10_000))


def _run(actor: Actor) -> None:
    for _ in range(STEPS):
        actor.act()
