"""Driving the program that starts publishers (tests/registry/publisher.py)."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from scripted_process import running_script


class PublisherProcess:
    """The program and its input and output; one child at a time."""

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self._requests = requests
        self._answers = answers

    def start(self, mode: str, seed: int, folder: Path) -> tuple[int, list[list[str]]]:
        """Start a child; return its id, and what it said before the parent said that."""
        self.write(f"{mode} {seed} {folder}\n")
        early: list[list[str]] = []
        while (words := self.read())[0] != "child":
            early.append(words)
        return int(words[1]), early

    def write(self, text: str) -> None:
        """Write to the parent, or to a child that reads."""
        self._requests.write(text)
        self._requests.flush()

    def read(self) -> list[str]:
        """Return the words of the next line.

        Raises:
            EOFError: the program has ended.
        """
        words = self._answers.readline().split()
        if not words:
            raise EOFError("the publisher has ended")
        return words

    def read_until_gone(self) -> list[list[str]]:
        """Return every line until the child is gone."""
        return list(iter(self.read, ["gone"]))


@contextmanager
def running_publisher() -> Generator[PublisherProcess, None, None]:
    """Start the program, and end it."""
    with running_script("registry", "publisher.py") as (requests, answers):
        yield PublisherProcess(requests, answers)
