"""A publish under strace: what it asks of the kernel, and what comes of it if the kernel fails.

`enumerate_faults` lets every call of one publish that writes, syncs, renames or removes fail in
every way, one at a time, and each time publishes once more and looks at what is there.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from multitap_registry.errors import TaskNotFound
from multitap_registry.folder import DATABASE_NAME, open_registry
from publisher_process import PublisherProcess, running_publisher
from publishing import publish
from sample_adapters import sample_adapter

TRACED = "write,pwrite64,fsync,fdatasync,/^(mkdir|rename|unlink)(at|at2)?$"
# What strace calls them, since kernels and libraries have several of some.
KINDS = {
    "write": "write",
    "pwrite": "pwrite64",
    "fsync": "fsync",
    "fdatasync": "fdatasync",
    "mkdir": "/^mkdir",
    "rename": "/^rename",
    "unlink": "/^unlink",
}
FAULTS = {"kill": "signal=KILL", "EIO": "error=EIO", "ENOSPC": "error=ENOSPC"}


@dataclass(frozen=True, slots=True)
class Call:
    """One system call: its name, and the path that it was for, below the registry's folder."""

    name: str
    path: str


@cache
def can_attach() -> bool:
    """Return whether strace is there, and may attach to a process that it did not start."""
    strace = shutil.which("strace")
    if strace is None:
        return False
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        command = [strace, "-o", os.devnull, "-p", str(process.pid)]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as tracer:  # noqa: S603
            attached = tracer.stderr is not None and b"attached" in tracer.stderr.readline()
            process.communicate(b"\n")
    return attached


def trace(
    publisher: PublisherProcess, folder: Path, *, inject: str | None = None
) -> tuple[list[str], list[Call]]:
    """Publish twice under strace; return what the publisher said, and its calls."""
    log = folder.with_suffix(".strace")
    child, early = publisher.start("twice", 0, folder)
    assert (early or [publisher.read()]) == [["open"]]
    options = ["-y", "-o", str(log), "-e", f"trace={TRACED}"]
    if inject is not None:
        options += ["-e", f"inject={inject}"]
    with subprocess.Popen(  # noqa: S603 - strace on a process of ours
        ["strace", *options, "-p", str(child)],  # noqa: S607 - wherever it is installed
        stderr=subprocess.PIPE,
    ) as tracer:
        assert tracer.stderr is not None
        assert b"attached" in tracer.stderr.readline()
        publisher.write("go\n")
        said = [" ".join(words) for words in publisher.read_until_gone()]
    return said, parse_log(log.read_text(), folder)


@contextmanager
def failing_calls(process_id: int, kind: str, error: str) -> Generator[None]:
    """Let every call of a kind fail in all threads of a process, until the block ends."""
    options = ["-e", f"trace={KINDS[kind]}", "-e", f"inject={KINDS[kind]}:error={error}"]
    with subprocess.Popen(  # noqa: S603 - strace on a process of ours
        ["strace", "-f", "-o", os.devnull, *options, "-p", str(process_id)],  # noqa: S607
        stderr=subprocess.PIPE,
    ) as tracer:
        try:
            assert tracer.stderr is not None
            assert b"attached" in tracer.stderr.readline()
            yield
        finally:
            tracer.terminate()


def parse_log(text: str, folder: Path) -> list[Call]:
    """Return the calls of strace's log, without what distinguishes kernels."""
    calls: list[Call] = []
    for line in text.splitlines():
        match = re.match(r"(\w+?)(?:at2?|64)?\((.*)", line)
        if match is None:
            continue
        name, arguments = match.groups()
        paths = re.findall(rf"{re.escape(str(folder))}/?([^\">]*)[\">]", arguments)
        calls.append(Call(name, paths[-1]) if paths else Call("say", ""))
    return calls


def first_publish(calls: list[Call]) -> list[Call]:
    """Return the calls of the first publish, repetitions taken together."""
    end = calls.index(Call("say", ""))
    return [call for call, _ in groupby(calls[:end])]


def check_one_version(folder: Path) -> None:
    """Check that publishing once more gives version 1, and all of it."""
    with open_registry(folder) as registry:
        record = publish(registry, "spam", sample_adapter(), alias="candidate").record
        assert (record.version, record.aliases) == (1, ("candidate", "live"))
        assert registry.read_blob(record.digest) == sample_adapter()
        assert registry.task("spam").versions == 1
    assert list((folder / "staging").iterdir()) == []
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        rows = connection.execute("SELECT alias, move, to_version FROM alias_history").fetchall()
    assert sorted(rows) == [("candidate", 1, 1), ("live", 1, 1)]


@dataclass(frozen=True, slots=True)
class Point:
    """One call of a publish, by its kind and its number there, and the fault that it met."""

    kind: str
    number: int
    fault: str


def points(publisher: PublisherProcess, folder: Path) -> Iterator[Point]:
    """Yield every call of a publish that could fail, with every fault."""
    _, calls = trace(publisher, folder)
    counts = Counter(call.name for call in calls[: calls.index(Call("say", ""))])
    for kind, count in counts.items():
        for number in range(1, count + 1):
            for fault in FAULTS:
                yield Point(kind, number, fault)


def fail_at(publisher: PublisherProcess, folder: Path, point: Point) -> str:
    """Publish with a fault, try again, compare everything; return what came of the first attempt.

    Raises:
        AssertionError: what is there is not one whole version.
    """
    inject = f"{KINDS[point.kind]}:{FAULTS[point.fault]}:when={point.number}"
    said, _ = trace(publisher, folder, inject=inject)
    if point.fault == "kill":
        assert said == []
        end = "whole" if has_version(folder) else "nothing"
    else:
        first, second = said
        assert second == "published 1"
        end = "whole" if first == "published 1" else first
    check_one_version(folder)
    return end


def has_version(folder: Path) -> bool:
    """Return whether there is a version, once the registry was opened again."""
    with open_registry(folder) as registry:
        try:
            return registry.task("spam").versions == 1
        except TaskNotFound:
            return False


def enumerate_faults(
    folder: Path, *, tell: Callable[[Point, str], None] = lambda _point, _end: None
) -> Counter[tuple[str, str, str]]:
    """Fail at every point; return how many calls of each kind had which end, by kind and fault."""
    ends: Counter[tuple[str, str, str]] = Counter()
    with running_publisher() as publisher:
        for number, point in enumerate(list(points(publisher, folder / "dry"))):
            here = folder / str(number)
            end = fail_at(publisher, here, point)
            ends[point.kind, point.fault, end] += 1
            tell(point, end)
            shutil.rmtree(here)
    return ends
