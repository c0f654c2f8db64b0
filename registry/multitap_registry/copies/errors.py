"""What a copy is refused for, besides the errors of registries.

CopyError
├── DestinationTaken   something is where the copy shall be
├── CopyInUse          another process makes this copy
├── TaskTooLarge       a task's document would be larger than a reader takes
├── RegistryNotEmpty   a backup is restored into a registry that holds something
└── FaultyCopy         a registry, a backup or a task's folder is not whole, with every fault
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

MAX_FAULTS: Final = 100


class CopyError(Exception):
    """Base of everything that copies are refused for."""


class DestinationTaken(CopyError):
    """Something is where the copy shall be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"{str(folder)!r} is there already, expected the name of a new folder")


class CopyInUse(CopyError):
    """Another process makes a copy of this name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"another process is writing {str(folder)!r}")


class RegistryNotEmpty(CopyError):
    """A backup is to be restored into a registry that has tasks, events or audit lines."""

    def __init__(self, place: str, found: str) -> None:
        self.place = place
        self.found = found
        super().__init__(f"the registry in {place!r} has {found}, expected an empty one")


class TaskTooLarge(CopyError):
    """A task's document would be larger than a reader takes."""

    def __init__(self, task: str, size_bytes: int, limit_bytes: int) -> None:
        self.task = task
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes
        super().__init__(
            f"the document of task {task!r} would have {size_bytes} bytes, "
            f"expected at most {limit_bytes}"
        )


class FaultyCopy(CopyError):
    """Something is not whole; `faults` are the first hundred of `total`."""

    def __init__(self, what: str, faults: Sequence[str], *, total: int | None = None) -> None:
        self.what = what
        self.total = len(faults) if total is None else total
        self.faults = tuple(faults[:MAX_FAULTS])
        super().__init__(f"{what} is not whole: {_count(self.total)}")


def _count(total: int) -> str:
    return "1 fault" if total == 1 else f"{total} faults"
