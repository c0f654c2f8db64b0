"""One task as a value: its versions, its aliases, and the number that the next version gets.

A state never changes; a publish or a move makes the next one. Readers on other threads therefore
see a task as it was before a change or as it is after it, and nothing between.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Self

from .contract import TaskRecord, VersionRecord
from .errors import AliasNotFound, TaskNotFound, VersionNotFound
from .reference import LIVE, Reference


@dataclass(frozen=True, slots=True)
class TaskState:
    """Everything that a registry knows of one task; `versions` is in ascending order."""

    task: str
    next_version: int
    versions: MappingProxyType[int, VersionRecord]
    ready: Mapping[str, int]
    aliases: Mapping[str, int]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def empty(cls, task: str, at: datetime) -> Self:
        """Return a task without versions."""
        nothing: MappingProxyType[str, int] = MappingProxyType({})
        return cls(task, 1, MappingProxyType({}), nothing, nothing, at, at)

    def with_version(self, record: VersionRecord) -> Self:
        """Return the state after a version with a new number was added."""
        versions = {**self.versions, record.version: record}
        ready = {**self.ready, record.digest: record.version}
        return replace(
            self,
            next_version=record.version + 1,
            versions=MappingProxyType(versions),
            ready=MappingProxyType(ready),
            updated_at=record.created_at,
        )

    def with_alias(self, alias: str, version: int, at: datetime) -> Self:
        """Return the state after an alias was pointed at one of the versions."""
        aliases = {**self.aliases, alias: version}
        touched = {version, self.aliases.get(alias, version)}
        versions = dict(self.versions)
        for number in touched:
            names = tuple(sorted(name for name, target in aliases.items() if target == number))
            versions[number] = replace(versions[number], aliases=names)
        return replace(
            self,
            versions=MappingProxyType(versions),
            aliases=MappingProxyType(aliases),
            updated_at=at,
        )

    def without_alias(self, alias: str, at: datetime) -> Self:
        """Return the state after one of the aliases was deleted."""
        aliases = dict(self.aliases)
        record = self.versions[aliases.pop(alias)]
        left = tuple(name for name in record.aliases if name != alias)
        return replace(
            self._with_record(replace(record, aliases=left), at), aliases=MappingProxyType(aliases)
        )

    def with_tombstones(self, numbers: Collection[int], at: datetime) -> Self:
        """Return the state after ready versions were deleted."""
        gone = {n: replace(self.versions[n], state="deleted") for n in numbers}
        ready = {digest: number for digest, number in self.ready.items() if number not in gone}
        return replace(
            self,
            versions=MappingProxyType({**self.versions, **gone}),
            ready=MappingProxyType(ready),
            updated_at=at,
        )

    def with_tags(self, number: int, tags: tuple[str, ...], at: datetime) -> Self:
        """Return the state after a version's tags were replaced."""
        return self._with_record(replace(self.versions[number], tags=tags), at)

    def resolve(self, reference: Reference) -> VersionRecord:
        """Return the ready version that a reference to this task names.

        Raises:
            VersionNotFound, AliasNotFound: there is none.
        """
        if isinstance(reference.target, int):
            return self.version(reference.target)
        number = self.aliases.get(reference.target)
        if number is None:
            raise AliasNotFound(self.task, reference.target)
        return self.versions[number]

    def version(self, number: int) -> VersionRecord:
        """Return a ready version. Raises: VersionNotFound."""
        record = self.versions.get(number)
        if record is None or record.state != "ready":
            raise VersionNotFound(self.task, number)
        return record

    def record(self) -> TaskRecord:
        """Return the task as callers see it. Raises: TaskNotFound where no version is ready."""
        if not self.ready:
            raise TaskNotFound(self.task)
        newest = self.aliases.get(LIVE, max(self.ready.values()))
        return TaskRecord(
            task=self.task,
            newest=self.versions[newest],
            aliases=self.aliases,
            versions=len(self.ready),
            created_at=self.created_at,
            updated_at=self.updated_at,
        )

    def tags(self) -> frozenset[str]:
        """Return the tags of all ready versions."""
        return frozenset(
            tag
            for record in self.versions.values()
            if record.state == "ready"
            for tag in record.tags
        )

    def _with_record(self, record: VersionRecord, at: datetime) -> Self:
        versions = MappingProxyType({**self.versions, record.version: record})
        return replace(self, versions=versions, updated_at=at)
