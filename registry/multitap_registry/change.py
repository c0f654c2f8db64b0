"""What a publish or a move of an alias changes, worked out before anything is written.

The rules of a registry are here, free of input and output; each registry writes a change down in
its own way, and takes ``after`` as the task's state once that is durable.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from multitap_adapters.file import AdapterFile

from .contract import UNSET, Publication, Unset, VersionRecord
from .errors import AliasConflict, TaskNotFound
from .reference import LIVE
from .task_state import TaskState


@dataclass(frozen=True, slots=True)
class AliasMove:
    """One move of an alias; `origin` is None where the alias is new."""

    alias: str
    origin: int | None
    target: int


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one task: all of it is written, or nothing."""

    before: TaskState | None
    after: TaskState
    at: datetime
    by: str
    version: int
    created: bool = False
    moves: tuple[AliasMove, ...] = ()
    reason: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether everything is already as it should be."""
        return not self.created and not self.moves

    @property
    def record(self) -> VersionRecord:
        """The version that was published or pointed at, as it is afterwards."""
        return self.after.versions[self.version]

    @property
    def publication(self) -> Publication:
        """The answer to a publish."""
        return Publication(self.record, self.created)


def plan_publication(
    state: TaskState | None,
    task: str,
    file: AdapterFile,
    *,
    alias: str | None,
    by: str,
    at: datetime,
) -> Change:
    """Work out a publish: a new version unless these bytes are one, and its aliases."""
    after = state or TaskState.empty(task, at)
    number = after.ready.get(file.digest)
    if number is not None:
        change = Change(state, after, at, by, number)
        return change if alias is None else _with_move(change, alias)
    record = VersionRecord(
        task=task,
        version=after.next_version,
        digest=file.digest,
        size_bytes=file.size_bytes,
        spec=file.spec,
        state="ready",
        aliases=(),
        created_at=at,
        created_by=by,
    )
    change = Change(state, after.with_version(record), at, by, record.version, created=True)
    if not after.ready:
        change = _with_move(change, LIVE)
    return change if alias is None else _with_move(change, alias)


def plan_move(
    state: TaskState | None,
    task: str,
    alias: str,
    version: int,
    *,
    expected: int | Unset | None,
    reason: str | None,
    by: str,
    at: datetime,
) -> Change:
    """Work out a move of an alias; nothing changes where it is at its target already.

    Raises:
        TaskNotFound, VersionNotFound: there is nothing to point at.
        AliasConflict: the alias is not where it was expected.
    """
    if state is None or not state.ready:
        raise TaskNotFound(task)
    state.version(version)
    actual = state.aliases.get(alias)
    if expected is not UNSET and expected != actual:
        raise AliasConflict(task, alias, expected=expected, actual=actual)
    return _with_move(Change(state, state, at, by, version, reason=reason), alias)


def _with_move(change: Change, alias: str) -> Change:
    origin = change.after.aliases.get(alias)
    if origin == change.version:
        return change
    return replace(
        change,
        after=change.after.with_alias(alias, change.version, change.at),
        moves=(*change.moves, AliasMove(alias, origin, change.version)),
    )
