"""Driving the program that calls registries until they fail (workload.py)."""

import json
import math
import os
import signal
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from pydantic import TypeAdapter

from scripted_process import running_script

from .calls import UNKNOWN, Answer, Call, Recorded

_CALL: Final = TypeAdapter(Call)
_ANSWER: Final = TypeAdapter(Answer)


@dataclass
class Told:
    """What one child told."""

    child: int = 0
    asked: dict[str, tuple[Call, float]] = field(default_factory=dict[str, tuple[Call, float]])
    answered: dict[str, tuple[Answer, float]] = field(
        default_factory=dict[str, tuple[Answer, float]]
    )
    failure: str | None = None
    is_open: threading.Event = field(default_factory=threading.Event)

    def records(self) -> Sequence[Recorded]:
        """Return every call; one without an answer may have ended at any time."""
        return [
            Recorded(call, *self._end(name, began_s))
            for name, (call, began_s) in self.asked.items()
        ]

    def take(self, document: Mapping[str, object]) -> None:
        """Note a line of the child."""
        match document:
            case {"child": int(child)}:
                self.child = child
            case {"open": True}:
                self.is_open.set()
            case {"asked": call, "at_s": float(at_s)}:
                asked = _CALL.validate_python(call)
                self.asked[asked.id] = (asked, at_s)
            case {"answered": str(name), "answer": answer, "at_s": float(at_s)}:
                self.answered[name] = (_ANSWER.validate_python(answer), at_s)
            case {"failed": str(failure)}:
                self.failure = failure
            case _:
                raise ValueError(f"the workload said {document!r}")

    def _end(self, name: str, began_s: float) -> tuple[Answer, float, float]:
        answer, ended_s = self.answered.get(name, (UNKNOWN, math.inf))
        return answer, began_s, ended_s


class Workloads:
    """The program and its pipes; one child at a time."""

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self._requests = requests
        self._answers = answers
        self._told = Told()
        self._reader: threading.Thread | None = None

    def start(self, number: int, folder: Path) -> None:
        """Start a child; return once it has the registry open.

        Raises:
            RuntimeError: it could not open it.
        """
        self._told = Told()
        self._requests.write(f"{number} {folder}\n")
        self._requests.flush()
        # The pipe is read all the time: a full one would stop the child.
        self._reader = threading.Thread(target=self._read, args=(self._told,))
        self._reader.start()
        self._told.is_open.wait()
        if self._told.failure is not None:
            raise RuntimeError(f"the registry could not be opened: {self._told.failure}")

    def kill(self) -> Told:
        """Kill the child, and return what it told."""
        if self._reader is not None:
            # It may have ended by itself, when its disk failed.
            with suppress(ProcessLookupError):
                os.kill(self._told.child, signal.SIGKILL)
            self._reader.join()
        self._reader = None
        return self._told

    def _read(self, told: Told) -> None:
        for line in self._answers:
            document = json.loads(line)
            if "gone" in document:
                break
            told.take(document)
        told.is_open.set()


@contextmanager
def running_workloads() -> Generator[Workloads]:
    """Start the program, and end it."""
    with running_script("reliability", "workload.py") as (requests, answers):
        yield Workloads(requests, answers)
