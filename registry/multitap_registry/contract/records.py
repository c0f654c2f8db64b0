"""What a registry says of tasks, versions and aliases: values that never change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, TypeVar

from multitap_adapters.spec import AdapterSpec
from multitap_registry.reference import LIVE

RecordT_co = TypeVar("RecordT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One version of a task: immutable but for its state, its aliases and its tags."""

    task: str
    version: int
    digest: str
    size_bytes: int
    spec: AdapterSpec
    state: Literal["ready", "deleted"]
    aliases: tuple[str, ...]
    created_at: datetime
    created_by: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One task: `newest` is its live version, or its newest one where nothing is live."""

    task: str
    newest: VersionRecord
    aliases: Mapping[str, int]
    versions: int
    created_at: datetime
    updated_at: datetime

    @property
    def live(self) -> int | None:
        """The version that predictions without a target use."""
        return self.aliases.get(LIVE)


@dataclass(frozen=True, slots=True)
class AliasMove:
    """One line of an alias's history; `move` counts from 1 without gaps.

    `origin` is None where the alias was made, `target` is None where it was deleted.
    """

    move: int
    at: datetime
    by: str
    origin: int | None
    target: int | None
    reason: str | None = None
    rollback: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[RecordT_co]):
    """A part of a listing; `next` is the cursor of the following part, None at the end."""

    records: Sequence[RecordT_co] = field(default_factory=tuple)
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """What a publish did; `created` is False where the same bytes were there already."""

    record: VersionRecord
    created: bool
