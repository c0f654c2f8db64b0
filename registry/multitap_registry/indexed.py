"""The part of a registry that answers from memory: tasks, versions, and who wants to know."""

from collections.abc import Callable
from typing import Final

from .contract import EVERYTHING, Page, TaskFilter, TaskRecord, VersionRecord
from .index import Index
from .listeners import Listeners
from .reference import Reference


class IndexedRegistry:
    """Reads of a registry whose every task is in an index; see the contract."""

    def __init__(self) -> None:
        self._index: Final = Index()
        self._listeners: Final = Listeners()

    def resolve(self, reference: Reference) -> VersionRecord:
        """Return the ready version that a reference names."""
        return self._index.resolve(reference)

    def task(self, task: str) -> TaskRecord:
        """Return one task."""
        return self._index.task(task)

    def tasks(
        self, *, limit: int, after: str | None = None, where: TaskFilter = EVERYTHING
    ) -> Page[TaskRecord]:
        """List tasks by name."""
        return self._index.tasks(limit=limit, after=after, where=where)

    def version(self, task: str, version: int) -> VersionRecord:
        """Return one version."""
        return self._index.version(task, version)

    def versions(
        self, task: str, *, limit: int, after: str | None = None, tag: str | None = None
    ) -> Page[VersionRecord]:
        """List a task's versions, newest first."""
        return self._index.versions(task, limit=limit, after=after, tag=tag)

    def last_event(self) -> int:
        """Return the number of the newest event that reads show."""
        return self._index.last_event

    def subscribe(self, listener: Callable[[int], None]) -> Callable[[], None]:
        """Call `listener` after each change that reads show."""
        return self._listeners.add(listener)
