"""What a publish asks of the kernel, in which order, and what comes of it if the kernel fails.

These need `strace` and the right to attach it to a process; elsewhere they are skipped.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

import pytest

from multitap_registry.folder import DATABASE_NAME, open_registry
from publisher_process import PublisherProcess
from publishing import publish
from sample_adapters import sample_adapter

CALLS = "write,pwrite64,fsync,fdatasync,/^(mkdir|rename|unlink)(at|at2)?$"
JOURNAL = f"{DATABASE_NAME}-journal"
# Each call that can fail, by its name and its number within a publish.
OWN_FAULTS = [*(("fsync", number) for number in (1, 2, 3, 4)), ("/^rename", 1)]
SQLITE_FAULTS = [*(("fdatasync", number) for number in (1, 3, 4, 5)), ("/^unlink", 1)]
# The folder as the journal is made: SQLite syncs it, and does not look at the result.
IGNORED_FAULTS = [("fdatasync", 2)]


@dataclass(frozen=True, slots=True)
class Call:
    """One system call: its name, and the path that it was for, below the registry's folder."""

    name: str
    path: str


@pytest.fixture(autouse=True)
def needs_strace() -> None:
    """Skip where strace cannot be attached."""
    if not can_attach():
        pytest.skip("needs strace, and the right to attach it to a process")


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
    options = ["-y", "-o", str(log), "-e", f"trace={CALLS}"]
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


def test_blob_and_its_name_are_durable_before_the_database_is_touched(
    publisher: PublisherProcess, folder: Path
) -> None:
    said, calls = trace(publisher, folder)

    before = first_publish(calls)
    before = before[: before.index(Call("pwrite", JOURNAL))]
    staged = before[0].path
    (blob,) = (call.path for call in before if call.name == "rename")
    prefix = str(Path(blob).parent)
    assert said == ["published 1", "published 1"]
    assert staged.startswith("staging/")
    assert before == [
        Call("write", staged),
        Call("mkdir", "blobs/sha256"),
        Call("fsync", "blobs"),
        Call("mkdir", prefix),
        Call("fsync", "blobs/sha256"),
        Call("fsync", staged),
        Call("rename", blob),
        Call("fsync", prefix),
    ]


def test_end_of_the_journal_is_durable_before_a_publish_is_acknowledged(
    publisher: PublisherProcess, folder: Path
) -> None:
    _, calls = trace(publisher, folder)

    assert first_publish(calls)[-3:] == [
        Call("fdatasync", DATABASE_NAME),
        Call("unlink", JOURNAL),
        Call("fdatasync", ""),
    ]


@pytest.mark.parametrize(("name", "number"), [*OWN_FAULTS, *SQLITE_FAULTS, *IGNORED_FAULTS])
def test_kill_at_a_call_leaves_all_of_a_publish_or_nothing(
    publisher: PublisherProcess, folder: Path, name: str, number: int
) -> None:
    said, _ = trace(publisher, folder, inject=f"{name}:signal=KILL:when={number}")

    assert said == []
    check_one_version(folder)


@pytest.mark.parametrize(("name", "number"), [*OWN_FAULTS, *SQLITE_FAULTS])
def test_input_output_error_at_a_call_fails_that_publish_only(
    publisher: PublisherProcess, folder: Path, name: str, number: int
) -> None:
    said, _ = trace(publisher, folder, inject=f"{name}:error=EIO:when={number}")

    assert said == ["refused StorageUnavailable", "published 1"]
    check_one_version(folder)


@pytest.mark.parametrize(("name", "number"), IGNORED_FAULTS)
def test_error_that_sqlite_ignores_leaves_a_whole_version(
    publisher: PublisherProcess, folder: Path, name: str, number: int
) -> None:
    said, _ = trace(publisher, folder, inject=f"{name}:error=EIO:when={number}")

    assert said == ["published 1", "published 1"]
    check_one_version(folder)


@pytest.mark.parametrize("name", ["write", "pwrite64"])
def test_full_disk_at_a_call_is_told_as_such(
    publisher: PublisherProcess, folder: Path, name: str
) -> None:
    said, _ = trace(publisher, folder, inject=f"{name}:error=ENOSPC:when=1")

    assert said == ["refused StorageFull", "published 1"]
    check_one_version(folder)
