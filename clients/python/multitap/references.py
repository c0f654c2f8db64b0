"""References as a client needs them: ``task@7``, ``task@alias``, or ``task`` for ``task@live``."""

from .errors import AliasNotFound
from .wire import Task

LIVE = "live"


def split_reference(reference: str) -> tuple[str, int | str]:
    """Split a reference into its task and a version or an alias; the server checks the names."""
    task, _, target = reference.partition("@")
    return task, int(target) if target.isdecimal() else target or LIVE


def pick_version(task: Task, alias: str) -> int:
    """Return the version that an alias points at. Raises: AliasNotFound."""
    if alias not in task.aliases:
        raise AliasNotFound(f"task {task.task!r} has no alias {alias!r}", code="alias_not_found")
    return task.aliases[alias]
