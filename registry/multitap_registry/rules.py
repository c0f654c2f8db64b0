"""The rules of a registry, free of input and output: what each call changes, or why it may not.

Every function takes the task's state, None where the task is unknown, and returns the change.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from multitap_adapters.file import AdapterFile

from .change import Change, Import, Occasion
from .contract import UNSET, AliasMove, Unset, VersionRecord
from .errors import (
    AliasConflict,
    AliasNotFound,
    NothingToRollBackTo,
    TaskNameTaken,
    TaskNotFound,
    TooManyTags,
    VersionInUse,
)
from .reference import LIVE
from .task_copy import TaskCopy
from .task_state import TaskState

MAX_TAGS: Final = 32

# Every move of one of the task's aliases, oldest first.
HistoryOf: TypeAlias = Callable[[str], Sequence[AliasMove]]
# Picks versions by number from a task's ready ones, which come in ascending order.
Choice: TypeAlias = Callable[[Sequence[VersionRecord]], Collection[int]]
# A rule with everything but the task filled in: its state, and the histories of its aliases.
Plan: TypeAlias = Callable[[TaskState | None, HistoryOf], Change]


def plan_publication(
    state: TaskState | None,
    occasion: Occasion,
    task: str,
    file: AdapterFile,
    *,
    alias: str | None = None,
) -> Change:
    """Work out a publish: a new version unless these bytes are one, and its aliases."""
    known = state or TaskState.empty(task, occasion.at)
    number = known.ready.get(file.digest)
    if number is not None:
        change = Change(state, known, occasion, number)
    else:
        record = VersionRecord(
            task=task,
            version=known.next_version,
            digest=file.digest,
            size_bytes=file.size_bytes,
            spec=file.spec,
            state="ready",
            aliases=(),
            created_at=occasion.at,
            created_by=occasion.by,
        )
        after = known.with_version(record)
        change = Change(state, after, occasion, record.version, created=True)
        if not known.ready:
            change = change.with_move(LIVE, record.version)
    return change if alias is None else change.with_move(alias, change.record.version)


def plan_move(
    state: TaskState | None,
    occasion: Occasion,
    task: str,
    alias: str,
    version: int,
    *,
    expected: int | Unset | None = UNSET,
) -> Change:
    """Work out a move of an alias; nothing changes where it is at its target already.

    Raises:
        TaskNotFound, VersionNotFound: there is nothing to point at.
        AliasConflict: the alias is not where it was expected.
    """
    known = _require_task(state, task)
    known.version(version)
    _require_place(known, alias, expected)
    return Change(known, known, occasion, version).with_move(alias, version)


def plan_rollback(
    state: TaskState | None,
    occasion: Occasion,
    task: str,
    alias: str,
    history: HistoryOf,
    *,
    expected: int | Unset | None = UNSET,
) -> Change:
    """Work out a rollback.

    Raises:
        TaskNotFound, AliasNotFound: there is no such alias.
        AliasConflict: the alias is not where it was expected.
        NothingToRollBackTo: no earlier target is left.
    """
    known = _require_alias(state, task, alias)
    _require_place(known, alias, expected)
    now = known.aliases[alias]
    for target in rollback_targets(history(alias), now):
        if known.versions[target].state == "ready":
            change = Change(known, known, occasion, target)
            return change.with_move(alias, target, rollback=True)
    raise NothingToRollBackTo(task, alias)


def plan_alias_deletion(
    state: TaskState | None,
    occasion: Occasion,
    task: str,
    alias: str,
    *,
    expected: int | Unset | None = UNSET,
) -> Change:
    """Work out the end of an alias.

    Raises:
        TaskNotFound, AliasNotFound: there is no such alias.
        AliasConflict: the alias is not where it was expected.
    """
    known = _require_alias(state, task, alias)
    _require_place(known, alias, expected)
    return Change(known, known, occasion).with_move(alias, None)


def plan_version_deletion(
    state: TaskState | None, occasion: Occasion, task: str, version: int
) -> Change:
    """Work out a tombstone.

    Raises:
        TaskNotFound, VersionNotFound: there is no such ready version.
        VersionInUse: an alias points there.
    """
    known = _require_task(state, task)
    record = known.version(version)
    if record.aliases:
        raise VersionInUse(task, version, record.aliases)
    after = known.with_tombstones([version], occasion.at)
    return Change(known, after, occasion, version, deleted=(version,))


def plan_chosen_deletions(
    state: TaskState | None, occasion: Occasion, task: str, choose: Choice
) -> Change:
    """Work out tombstones of those ready versions that are chosen.

    Raises:
        TaskNotFound, VersionNotFound: there is no such task, or ready version.
        VersionInUse: an alias points at one of them.
    """
    known = _require_task(state, task)
    ready = sorted(known.ready.values())
    chosen = tuple(sorted(choose([known.versions[number] for number in ready])))
    for number in chosen:
        record = known.version(number)
        if record.aliases:
            raise VersionInUse(task, number, record.aliases)
    if not chosen:
        return Change(known, known, occasion)
    return Change(known, known.with_tombstones(chosen, occasion.at), occasion, deleted=chosen)


def plan_task_deletion(
    state: TaskState | None, occasion: Occasion, task: str, *, force: bool
) -> Change:
    """Work out the end of a task: of its aliases, and of every ready version.

    Raises:
        TaskNotFound: there is no such task.
        VersionInUse: it has aliases, and `force` is False.
    """
    known = _require_task(state, task)
    if known.aliases and not force:
        raise VersionInUse(task, None, sorted(known.aliases))
    change = Change(known, known, occasion, task_deleted=True)
    for alias in sorted(known.aliases):
        change = change.with_move(alias, None)
    deleted = tuple(sorted(known.ready.values()))
    return replace(
        change, after=change.after.with_tombstones(deleted, occasion.at), deleted=deleted
    )


def plan_tags(
    state: TaskState | None,
    occasion: Occasion,
    task: str,
    version: int,
    *,
    add: Collection[str],
    remove: Collection[str],
) -> Change:
    """Work out a version's tags.

    Raises:
        TaskNotFound, VersionNotFound: there is no such ready version.
        TooManyTags: it would have more than `MAX_TAGS`.
    """
    known = _require_task(state, task)
    record = known.version(version)
    tags = tuple(sorted({*record.tags, *add} - set(remove)))
    if len(tags) > MAX_TAGS:
        raise TooManyTags(task, version, len(tags), MAX_TAGS)
    if tags == record.tags:
        return Change(known, known, occasion, version)
    after = known.with_tags(version, tags, occasion.at)
    return Change(known, after, occasion, version, tagged=True)


def plan_import(state: TaskState | None, occasion: Occasion, copy: TaskCopy, digest: str) -> Change:
    """Work out the import of a task with its history, whose document has this digest.

    Raises:
        TaskNameTaken: there is, or was, a task of this name.
    """
    if state is not None:
        raise TaskNameTaken(state.task)
    return Change(None, copy.state, occasion, imported=Import(copy, digest))


def rollback_targets(history: Sequence[AliasMove], now: int) -> list[int]:
    """Return where an alias at `now` was and could go back to, the most recent first.

    `history` is all of the alias, oldest move first; its targets may have been deleted since.
    A rollback takes back the moves after its target, so that rolling back twice goes two back.
    """
    targets: list[int] = []
    for move in history:
        if move.target is None:
            continue
        if move.rollback and move.target in targets:
            while targets[-1] != move.target:
                targets.pop()
        else:
            targets.append(move.target)
    return [target for target in reversed(targets[:-1]) if target != now]


def _require_task(state: TaskState | None, task: str) -> TaskState:
    if state is None or not state.ready:
        raise TaskNotFound(task)
    return state


def _require_alias(state: TaskState | None, task: str, alias: str) -> TaskState:
    known = _require_task(state, task)
    if alias not in known.aliases:
        raise AliasNotFound(task, alias)
    return known


def _require_place(state: TaskState, alias: str, expected: int | Unset | None) -> None:
    actual = state.aliases.get(alias)
    if expected is not UNSET and expected != actual:
        raise AliasConflict(state.task, alias, expected=expected, actual=actual)
