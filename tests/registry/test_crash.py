"""kill -9 at any moment: nothing that was acknowledged is lost, and nothing else is half there."""

import os
import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from multitap_registry.contract import GENESIS, Registry, line_hash
from multitap_registry.folder import DATABASE_NAME, open_registry
from multitap_registry.reference import Reference
from publisher_process import PublisherProcess

ROUNDS_PER_FOLDER = 10


def publish_and_be_killed(
    publisher: PublisherProcess, folder: Path, seed: int, *, after_lines: int, delay_s: float
) -> list[list[str]]:
    """Return the words of every acknowledged line of one run."""
    child, lines = publisher.start("without-end", seed, folder)
    while len(lines) < after_lines:
        lines.append(publisher.read())
        assert lines[-1] != ["gone"]
    # Not to wait for anything: the moment of the kill has to fall anywhere in a publish.
    time.sleep(delay_s)
    os.kill(child, signal.SIGKILL)
    return lines + publisher.read_until_gone()


def check_acknowledged(registry: Registry, folder: Path, lines: list[list[str]]) -> None:
    """Check that everything that was acknowledged is there."""
    moves = {(task, alias, to) for task, alias, _, _, to in history(folder)}
    for line in lines:
        match line:
            case ["published", task, version, digest]:
                assert registry.version(task, int(version)).digest == digest
                assert (task, "candidate", int(version)) in moves
            case ["moved", task, version]:
                assert (task, "live", int(version)) in moves
            case _:
                pytest.fail(f"the publisher said {line!r}")


def check_consistent(registry: Registry, folder: Path) -> None:
    """Check everything that is there, acknowledged or not."""
    assert list((folder / "staging").iterdir()) == []
    for task in registry.tasks(limit=10).records:
        records = registry.versions(task.task, limit=10_000).records
        assert [r.version for r in records] == list(range(task.versions, 0, -1))
        for record in records:
            assert len(registry.read_blob(record.digest)) == record.size_bytes
        for alias, version in task.aliases.items():
            assert registry.resolve(Reference(task.task, alias)).version == version
    check_history(registry, folder)
    check_logs(registry)


def check_logs(registry: Registry) -> None:
    """Check that every change has its event and its line in the chain, and nothing else has."""
    events = registry.events(after=0, limit=10_000)
    lines = registry.audit(after=0, limit=10_000)
    versions = sum(task.versions for task in registry.tasks(limit=10).records)
    assert [event.seq for event in events] == list(range(1, registry.last_event() + 1))
    assert [event.type for event in events].count("version.published") == versions
    assert [(line.seq, line.entry.action) for line in lines] == [(e.seq, e.type) for e in events]
    assert [line.previous for line in lines] == [GENESIS, *(line.hash for line in lines)][
        : len(lines)
    ]
    assert all(line.hash == line_hash(line.seq, line.entry, line.previous) for line in lines)


def check_history(registry: Registry, folder: Path) -> None:
    """Check that every alias came to where it is by moves without gaps."""
    at: dict[tuple[str, str], tuple[int, int | None]] = {}
    for task, alias, move, origin, target in history(folder):
        assert (move - 1, origin) == at.get((task, alias), (0, None))
        at[task, alias] = (move, target)
    here = {
        (task.task, alias): version
        for task in registry.tasks(limit=10).records
        for alias, version in task.aliases.items()
    }
    assert {place: target for place, (_, target) in at.items()} == here


def history(folder: Path) -> list[tuple[str, str, int, int | None, int]]:
    """Return every move of every alias, oldest first."""
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        return connection.execute(
            "SELECT task, alias, move, from_version, to_version FROM alias_history"
            " ORDER BY task, alias, move"
        ).fetchall()


@pytest.mark.parametrize("first_round", range(0, 50, ROUNDS_PER_FOLDER))
def test_kill_at_a_random_moment_loses_nothing_that_was_acknowledged(
    publisher: PublisherProcess, folder: Path, first_round: int
) -> None:
    acknowledged: list[list[str]] = []
    for number in range(first_round, first_round + ROUNDS_PER_FOLDER):
        generator = random.Random(number)  # noqa: S311 - moments of kills, not secrets
        acknowledged += publish_and_be_killed(
            publisher,
            folder,
            number * 1_000,
            after_lines=generator.randrange(8),
            delay_s=generator.uniform(0, 0.02),
        )
        with open_registry(folder) as registry:
            check_acknowledged(registry, folder, acknowledged)
            check_consistent(registry, folder)

    assert acknowledged
