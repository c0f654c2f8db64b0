"""Is what a registry shows and stores what the model says? Everything is compared, byte for byte.

`check_shown` asks through the contract; `check_stored` looks at the folder itself, where tombstones
and the numbers to come are.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from multitap_registry.contract import Registry
from multitap_registry.errors import TaskNotFound
from multitap_registry.folder import DATABASE_NAME
from multitap_registry.reference import Reference

from .history import History, InconsistencyError
from .model import Task

_ALL = 1_000_000


def check_shown(registry: Registry, history: History, *, bytes_too: bool = True) -> None:
    """Compare tasks, versions, aliases and events, and read every blob of a ready version.

    Raises:
        InconsistencyError: they are not what the history says.
        CorruptBlob: bytes are missing, or others than the digest's.
    """
    shown = {record.task for record in registry.tasks(limit=_ALL).records}
    ready = {name for name, task in history.tasks.items() if task.ready}
    _require("the tasks", shown, ready)
    for name, task in history.tasks.items():
        if task.ready:
            _check_task(registry, name, task)
            if bytes_too:
                _check_bytes(registry, name)
        else:
            _check_absent(registry, name)
    _check_events(registry)


def check_stored(folder: Path, history: History) -> None:
    """Compare the rows of an SQLite database, and look for what was left behind.

    Raises: InconsistencyError.
    """
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        rows = connection.execute("SELECT task, version, state, digest FROM versions").fetchall()
        numbers = connection.execute("SELECT name, next_version FROM tasks").fetchall()
        moves = connection.execute(
            "SELECT task, alias, move, from_version, to_version FROM alias_history"
        ).fetchall()
        (faults,) = connection.execute("PRAGMA integrity_check").fetchone()
    _require("SQLite's own check", faults, "ok")
    expected = [
        (name, number, "ready" if version.ready else "deleted", version.digest)
        for name, task in history.tasks.items()
        for number, version in task.versions.items()
    ]
    _require("the rows of versions", sorted(rows), sorted(expected))
    _require(
        "the numbers to come",
        dict(numbers),
        {name: len(task.versions) + 1 for name, task in history.tasks.items() if task.versions},
    )
    expected_moves = [
        (name, alias, number, *move)
        for name, task in history.tasks.items()
        for alias, line in task.moves.items()
        for number, move in enumerate(line, 1)
    ]
    _require("the moves of aliases", set(moves), set(expected_moves))
    _require("what is in staging", [path.name for path in (folder / "staging").iterdir()], [])


def _check_task(registry: Registry, name: str, task: Task) -> None:
    record = registry.task(name)
    _require(f"the aliases of {name!r}", dict(record.aliases), dict(task.aliases))
    versions = {v.version: v for v in registry.versions(name, limit=_ALL).records}
    found = {number: (v.digest, frozenset(v.tags)) for number, v in versions.items()}
    expected = {number: (v.digest, v.tags) for number, v in task.ready.items()}
    _require(f"the versions of {name!r}", found, expected)
    for alias, number in task.aliases.items():
        target = registry.resolve(Reference(name, alias))
        _require(f"{name}@{alias}", (target.version, target.state), (number, "ready"))
    for alias, moves in task.moves.items():
        history = registry.history(name, alias)
        found_moves = [(move.move, move.origin, move.target) for move in history]
        expected_moves = [(number, *move) for number, move in enumerate(moves, 1)]
        _require(f"the history of {name}@{alias}", found_moves, expected_moves)


def _check_bytes(registry: Registry, name: str) -> None:
    for version in registry.versions(name, limit=_ALL).records:
        size_bytes = len(registry.read_blob(version.digest))
        _require(f"the size of {name}@{version.version}", size_bytes, version.size_bytes)


def _check_absent(registry: Registry, name: str) -> None:
    try:
        registry.task(name)
    except TaskNotFound:
        return
    raise InconsistencyError(f"task {name!r} is there, and has no ready version")


def _check_events(registry: Registry) -> None:
    events = registry.events(after=0, limit=_ALL)
    _require("the numbers of events", [e.seq for e in events], list(range(1, len(events) + 1)))
    _require("the newest event", registry.last_event(), len(events))
    lines = [line.entry for line in registry.audit(after=0, limit=_ALL)]
    _require(
        "the events",
        [(e.type, e.task, e.version, e.alias) for e in events],
        [(e.action, e.task, e.version, e.alias) for e in lines if e.outcome == "done"],
    )


def _require(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise InconsistencyError(f"{what}: found {found!r}, expected {expected!r}")
