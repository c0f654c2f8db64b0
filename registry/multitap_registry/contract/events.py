"""What happened, in order: the log that replicas and watchers follow."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

EntryType: TypeAlias = Literal[
    "version.published",
    "version.deleted",
    "version.tagged",
    "alias.moved",
    "alias.deleted",
    "task.deleted",
    "task.imported",
]


@dataclass(frozen=True, slots=True)
class Event:
    """One change, numbered from 1 without gaps, and written together with the change itself.

    `version` is the version concerned: for an alias, where it points now, None once it is deleted.
    After ``task.imported`` the whole task is new, with versions and aliases that no event names.
    """

    seq: int
    at: datetime
    by: str
    type: EntryType
    task: str
    version: int | None = None
    alias: str | None = None
