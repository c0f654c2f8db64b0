"""Servers in processes of their own, to be killed (tests/e2e/killable_server.py)."""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scripted_process import running_script


@dataclass
class Servers:
    """The program that starts servers."""

    requests: IO[str]
    answers: IO[str]
    running: int | None = None

    def start(self, folder: Path) -> str:
        """Start a server on a folder; return its URL."""
        self.requests.write(f"{folder}\n")
        self.requests.flush()
        _, child = self.read()
        self.running = int(child)
        word, url = self.read()
        assert word == "ready"
        return url

    def kill(self) -> None:
        """Kill the server that runs, if one does."""
        if self.running is not None:
            os.kill(self.running, signal.SIGKILL)
            assert self.read() == ("gone", "")
            self.running = None

    def read(self) -> tuple[str, str]:
        """Return a line's first word and the rest."""
        word, _, rest = self.answers.readline().strip().partition(" ")
        return word, rest


@contextmanager
def running_servers() -> Generator[Servers]:
    """Start the program, and end it."""
    with running_script("e2e", "killable_server.py", quiet=True) as (requests, answers):
        servers = Servers(requests, answers)
        try:
            yield servers
        finally:
            servers.kill()
