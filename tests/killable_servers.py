"""Servers in processes of their own, to be killed (tests/e2e/killable_server.py)."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parent


@dataclass
class Servers:
    """The program that starts servers."""

    process: subprocess.Popen[str]
    running: int | None = None

    def start(self, folder: Path) -> str:
        """Start a server on a folder; return its URL."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{folder}\n")
        self.process.stdin.flush()
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
        assert self.process.stdout is not None
        word, _, rest = self.process.stdout.readline().strip().partition(" ")
        return word, rest


@contextmanager
def running_servers() -> Generator[Servers]:
    """Start the program, and end it."""
    command = [sys.executable, str(TESTS / "e2e" / "killable_server.py")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), *sys.path))}
    with subprocess.Popen(  # noqa: S603  this interpreter and a script of ours
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    ) as process:
        servers = Servers(process)
        try:
            yield servers
        finally:
            servers.kill()
            process.kill()
