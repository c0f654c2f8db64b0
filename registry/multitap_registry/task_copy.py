"""One task with its whole history, as it goes from one registry to another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from .contract import AliasMove
from .task_state import TaskState


@dataclass(frozen=True, slots=True)
class TaskCopy:
    """A task's state, tombstones included, and every move of every alias that it ever had."""

    state: TaskState
    history: Mapping[str, Sequence[AliasMove]]

    def renamed(self, task: str) -> "TaskCopy":
        """Return the same history under another name."""
        versions = {
            number: replace(record, task=task) for number, record in self.state.versions.items()
        }
        state = replace(self.state, task=task, versions=MappingProxyType(versions))
        return replace(self, state=state)
