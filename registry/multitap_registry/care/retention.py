"""Which versions may go by their number and age: a rule, and the changes that follow from it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from multitap_registry.contract import VersionRecord
from multitap_registry.errors import TaskNotFound
from multitap_registry.planned import PlannedRegistry

_PAGE: Final = 1_000
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """What stays: the newest `keep` ready versions, and what is not `older_than` a time.

    A version goes only if every part that is given lets it go. What has an alias always stays,
    also beyond the newest; so does what has one of `spared_tags`.
    """

    keep: int | None = None
    older_than: timedelta | None = None
    spared_tags: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse what would let everything go. Raises: ValueError."""
        if self.keep is None and self.older_than is None:
            raise ValueError("a rule of retention needs a number or an age")
        if self.keep is not None and self.keep < 1:
            raise ValueError(f"at least 1 version of a task stays, got {self.keep}")

    def __str__(self) -> str:
        parts: list[str] = []
        if self.keep is not None:
            parts.append(f"beyond the newest {self.keep}")
        if self.older_than is not None:
            parts.append(f"older than {self.older_than / _DAY:g} days")
        return f"retention: {' and '.join(parts)}"

    def expired(self, records: Collection[VersionRecord], now: datetime) -> list[VersionRecord]:
        """Return those of a task's ready versions that go, newest first."""
        newest_first = sorted(records, key=lambda record: record.version, reverse=True)
        return [record for record in newest_first[self.keep or 0 :] if self._lets_go(record, now)]

    def _lets_go(self, record: VersionRecord, now: datetime) -> bool:
        if record.aliases or not self.spared_tags.isdisjoint(record.tags):
            return False
        return self.older_than is None or record.created_at < now - self.older_than


def find_expired(
    registry: PlannedRegistry, rule: RetentionRule, now: datetime
) -> list[VersionRecord]:
    """Return the versions of all tasks that would go."""
    return [
        record
        for task in list(_tasks(registry))
        for record in rule.expired(_versions(registry, task), now)
    ]


def delete_expired(
    registry: PlannedRegistry, rule: RetentionRule, now: datetime, *, by: str
) -> Iterator[VersionRecord]:
    """Delete them, each task's in one change that looks anew; yield their tombstones.

    Raises: StorageFull, StorageUnavailable.
    """
    for task in list(_tasks(registry)):
        if rule.expired(_versions(registry, task), now):
            yield from _delete_of(registry, task, rule, now, by)


def _delete_of(
    registry: PlannedRegistry, task: str, rule: RetentionRule, now: datetime, by: str
) -> Sequence[VersionRecord]:
    def choose(records: Sequence[VersionRecord]) -> list[int]:
        return [record.version for record in rule.expired(records, now)]

    try:
        return registry.delete_chosen(task, choose, by=by, reason=str(rule))
    except TaskNotFound:  # deleted meanwhile
        return ()


def _tasks(registry: PlannedRegistry) -> Iterator[str]:
    after = None
    while True:
        page = registry.tasks(limit=_PAGE, after=after)
        yield from (record.task for record in page.records)
        after = page.next
        if after is None:
            return


def _versions(registry: PlannedRegistry, task: str) -> list[VersionRecord]:
    found: list[VersionRecord] = []
    after = None
    while True:
        try:
            page = registry.versions(task, limit=_PAGE, after=after)
        except TaskNotFound:  # deleted meanwhile
            return []
        found += page.records
        after = page.next
        if after is None:
            return found
