"""The tasks of a registry in memory: what predictions read, and every listing.

Reads take no lock. A writer hands in whole new states, one at a time under its own lock, after
they are durable; the map that readers use is replaced, never changed.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable

from .contract import EVERYTHING, Page, TaskFilter, TaskRecord, VersionRecord
from .errors import InvalidReference, TaskNotFound
from .reference import Reference
from .task_state import TaskState

_CURSOR = re.compile(r"[0-9]{1,18}")


class Index:
    """An index of task states by name."""

    def __init__(self) -> None:
        self._states: dict[str, TaskState] = {}
        self._last_event = 0

    @property
    def last_event(self) -> int:
        """The number of the newest event that reads show; they may show more already."""
        return self._last_event

    def get(self, task: str) -> TaskState | None:
        """Return a task's state, also that of a task without a ready version."""
        return self._states.get(task)

    def put(self, states: Iterable[TaskState], last_event: int) -> None:
        """Replace the states of some tasks; for one writer at a time."""
        self._states = {**self._states, **{state.task: state for state in states}}
        self._last_event = last_event

    def replace(self, states: Iterable[TaskState], last_event: int) -> None:
        """Replace everything at once."""
        self._states = {state.task: state for state in states}
        self._last_event = last_event

    def resolve(self, reference: Reference) -> VersionRecord:
        """Return the ready version that a reference names.

        Raises:
            TaskNotFound, VersionNotFound, AliasNotFound: as the reference says.
        """
        return self._ready(reference.task).resolve(reference)

    def task(self, task: str) -> TaskRecord:
        """Return one task. Raises: TaskNotFound."""
        return self._ready(task).record()

    def tasks(
        self, *, limit: int, after: str | None = None, where: TaskFilter = EVERYTHING
    ) -> Page[TaskRecord]:
        """List tasks by name; the cursor is the last name of the page before.

        Raises:
            ValueError: the limit is less than 1.
        """
        _require_positive(limit)
        states = self._states
        names = sorted(name for name in states if where.query in name)
        found: list[TaskRecord] = []
        for name in names[bisect_right(names, after) if after is not None else 0 :]:
            if not states[name].ready:
                continue
            record = states[name].record()
            tags = states[name].tags() if where.tag is not None else frozenset[str]()
            if not where.holds(record, tags):
                continue
            if len(found) == limit:
                return Page(found, found[-1].task)
            found.append(record)
        return Page(found)

    def version(self, task: str, version: int) -> VersionRecord:
        """Return one ready version. Raises: TaskNotFound, VersionNotFound."""
        return self._ready(task).version(version)

    def versions(
        self, task: str, *, limit: int, after: str | None = None, tag: str | None = None
    ) -> Page[VersionRecord]:
        """List a task's ready versions, newest first; the cursor is the last number before.

        Raises:
            TaskNotFound: there is no such task.
            InvalidReference: the cursor is no number.
            ValueError: the limit is less than 1.
        """
        _require_positive(limit)
        state = self._ready(task)
        below = state.next_version
        if after is not None:
            below = min(below, _parse_cursor(after))
        found: list[VersionRecord] = []
        # Numbers have no gaps, so a page reads little more than itself, wherever it begins.
        for number in range(below - 1, 0, -1):
            record = state.versions.get(number)
            if record is None or record.state != "ready":
                continue
            if tag is not None and tag not in record.tags:
                continue
            if len(found) == limit:
                return Page(found, str(found[-1].version))
            found.append(record)
        return Page(found)

    def _ready(self, task: str) -> TaskState:
        state = self._states.get(task)
        if state is None or not state.ready:
            raise TaskNotFound(task)
        return state


def _parse_cursor(text: str) -> int:
    if not _CURSOR.fullmatch(text):
        raise InvalidReference(text, "cursor of a list of versions")
    return int(text)


def _require_positive(limit: int) -> None:
    if limit < 1:
        raise ValueError(f"limit must be 1 or more, got {limit}")
