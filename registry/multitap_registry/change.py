"""What a call changes, as a value: worked out before anything is written, and written whole.

``after`` is the task's state once the change is durable. What happened is told once, as entries;
events and audit lines are both made of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from .contract import AliasMove, AuditEntry, EntryType, Event, Publication, VersionRecord
from .task_copy import TaskCopy
from .task_state import TaskState


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who changes something, when, and why."""

    at: datetime
    by: str
    reason: str | None = None
    request_id: str | None = None

    @classmethod
    def of(cls, at: datetime, by: str, reason: str | None, request_id: str | None) -> Self:
        """Return the occasion with texts that every database can store and give back."""
        return cls(at, _storable(by), _storable_or_none(reason), _storable_or_none(request_id))


@dataclass(frozen=True, slots=True)
class Move:
    """One move of an alias; `origin` is None where it is new, `target` where it is deleted."""

    alias: str
    origin: int | None
    target: int | None
    rollback: bool = False


@dataclass(frozen=True, slots=True)
class Import:
    """A task that comes with its history; `digest` is that of the document that described it."""

    copy: TaskCopy
    digest: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one task: all of it is written, or nothing.

    `version` is the version that the call is about, None where it is about the whole task.
    """

    before: TaskState | None
    after: TaskState
    occasion: Occasion
    version: int | None = None
    created: bool = False
    moves: tuple[Move, ...] = ()
    deleted: tuple[int, ...] = ()
    tagged: bool = False
    task_deleted: bool = False
    imported: Import | None = None

    @property
    def is_empty(self) -> bool:
        """Whether everything is already as it should be."""
        return not (self.created or self.moves or self.deleted or self.tagged or self.imported)

    @property
    def record(self) -> VersionRecord:
        """The version that the call was about, as it is afterwards."""
        if self.version is None:
            raise ValueError(f"the change of task {self.after.task!r} is about no single version")
        return self.after.versions[self.version]

    @property
    def publication(self) -> Publication:
        """The answer to a publish."""
        return Publication(self.record, self.created)

    def with_move(self, alias: str, target: int | None, *, rollback: bool = False) -> "Change":
        """Return the change with one more move; itself where the alias is there already."""
        origin = self.after.aliases.get(alias)
        if origin == target:
            return self
        at = self.occasion.at
        moved = (
            self.after.without_alias(alias, at)
            if target is None
            else self.after.with_alias(alias, target, at)
        )
        move = Move(alias, origin, target, rollback)
        return replace(self, after=moved, moves=(*self.moves, move))

    def events(self, last: int) -> Sequence[Event]:
        """Return what happened as events, numbered from behind `last`."""
        return [
            Event(
                seq=seq,
                at=entry.at,
                by=entry.by,
                type=kind,
                task=entry.task,
                version=entry.version,
                alias=entry.alias,
            )
            for seq, (kind, entry) in enumerate(self._entries(), last + 1)
        ]

    def audit_entries(self) -> Sequence[AuditEntry]:
        """Return what happened as audit entries, in the events' order."""
        return [entry for _, entry in self._entries()]

    def history_line(self, move: Move, number: int) -> AliasMove:
        """Return a move as line `number` of its alias's history."""
        return AliasMove(
            move=number,
            at=self.occasion.at,
            by=self.occasion.by,
            origin=move.origin,
            target=move.target,
            reason=self.occasion.reason,
            rollback=move.rollback,
        )

    def _entries(self) -> list[tuple[EntryType, AuditEntry]]:
        entries: list[tuple[EntryType, AuditEntry]] = []

        def tell(
            kind: EntryType,
            version: int | None = None,
            alias: str | None = None,
            old: int | None = None,
            new: int | None = None,
            source: str | None = None,
        ) -> None:
            entry = AuditEntry(
                at=self.occasion.at,
                by=self.occasion.by,
                action=kind,
                task=self.after.task,
                version=version,
                alias=alias,
                old_digest=self._digest(old),
                new_digest=source or self._digest(new),
                reason=self.occasion.reason,
                request_id=self.occasion.request_id,
            )
            entries.append((kind, entry))

        if self.created:
            tell("version.published", self.version, new=self.version)
        if self.tagged:
            tell("version.tagged", self.version, old=self.version, new=self.version)
        for move in self.moves:
            kind: EntryType = "alias.deleted" if move.target is None else "alias.moved"
            tell(kind, move.target, move.alias, old=move.origin, new=move.target)
        for number in self.deleted:
            tell("version.deleted", number, old=number)
        if self.task_deleted:
            tell("task.deleted")
        if self.imported is not None:
            tell("task.imported", source=self.imported.digest)
        return entries

    def _digest(self, version: int | None) -> str | None:
        return None if version is None else self.after.versions[version].digest


def rejection(occasion: Occasion, task: str, digest: str | None) -> AuditEntry:
    """Return the audit entry of an upload that was refused."""
    return AuditEntry(
        at=occasion.at,
        by=occasion.by,
        action="upload.rejected",
        task=task,
        outcome="rejected",
        new_digest=digest,
        reason=occasion.reason,
        request_id=occasion.request_id,
    )


def _storable(text: str) -> str:
    # PostgreSQL has no NUL in its texts, and UTF-8 no lone surrogates.
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def _storable_or_none(text: str | None) -> str | None:
    return None if text is None else _storable(text)
