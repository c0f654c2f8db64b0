"""kill -9 of a server under load: a round is a start, four clients, a kill, and a comparison."""

import hashlib
import itertools
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx

from killable_servers import Servers, running_servers

from .actor import Actor, Notebook
from .history import InconsistencyError
from .http_caller import HttpCaller
from .settling import Settling

CLIENTS = 4
LONGEST_S = 0.6
# How many of the kills wait for a first answer; the others may fall into the server's start.
_WARM = 0.9
# Histories grow, and are compared whole after each kill.
ROUNDS_PER_FOLDER = 50


@dataclass
class Load:
    """The clients of one folder, which outlive its servers."""

    random: Random
    notebook: Notebook = field(default_factory=Notebook)
    callers: list[HttpCaller] = field(default_factory=list[HttpCaller])
    actors: list[Actor] = field(default_factory=list[Actor])

    def __post_init__(self) -> None:
        seeds: list[int] = []
        fresh_seeds = itertools.count(1)
        self.callers = [HttpCaller() for _ in range(CLIENTS)]
        self.actors = [
            Actor(
                name=f"client-{number}",
                caller=caller,
                journal=self.notebook,
                random=Random(self.random.random()),  # noqa: S311 - a mix, not a secret
                fresh_seeds=fresh_seeds,
                seeds=seeds,
            )
            for number, caller in enumerate(self.callers)
        ]

    def run_until_killed(self, url: str, folder: Path, kill: Callable[[], None]) -> None:
        """Let all clients call a server until it is killed at some moment."""
        for caller in self.callers:
            caller.connect(url, folder)
        for actor in self.actors:
            actor.is_cut_off = False
        with ThreadPoolExecutor(CLIENTS) as threads:
            running = [threads.submit(actor.act_until_cut_off) for actor in self.actors]
            if self.random.random() < _WARM:
                self.notebook.wait_for_an_answer()
            # Not to wait for anything: the kill has to fall anywhere in what the clients do.
            time.sleep(self.random.uniform(0, LONGEST_S))
            kill()
        for future in running:
            future.result()


def run_kills(
    folder: Path, *, rounds: int, seed: int = 0, tell: Callable[[int], None] = lambda _: None
) -> Counter[str]:
    """Kill a server that many times; return how many calls had which end.

    Raises:
        InconsistencyError, RegistryError, LostPartError: something was lost, or is wrong.
    """
    counts: Counter[str] = Counter()
    random = Random(seed)  # noqa: S311 - moments of kills, not secrets
    with running_servers() as servers:
        for first in range(0, rounds, ROUNDS_PER_FOLDER):
            here = folder / f"registry-{first}"
            load, settling = Load(random), Settling(here)
            for number in range(first, min(rounds, first + ROUNDS_PER_FOLDER)):
                load.run_until_killed(servers.start(here), here, servers.kill)
                settling.settle(load.notebook.take())
                tell(number + 1)
            _check_over_http(servers, settling)
            counts += settling.history.counts
    counts["rounds"] = rounds
    return counts


def _check_over_http(servers: Servers, settling: Settling) -> None:
    """Read every ready version from a server that was started after the last kill."""
    with httpx.Client(base_url=servers.start(settling.folder), trust_env=False) as http:
        for name, task in settling.history.tasks.items():
            for number, version in task.ready.items():
                answer = http.get(f"/tasks/{name}/versions/{number}/file").raise_for_status()
                found = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
                if found != version.digest:
                    raise InconsistencyError(f"{name}@{number} is {found}, not {version.digest}")
    servers.kill()
