"""What a registry must do, written a second time and as plainly as possible.

A task is a value; `effect` says what a call makes of it, which audit lines tell of that, and what
the client hears. It shares no code with the registry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from .calls import Answer, Call, Expected, digest

Move = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Line:
    """What an audit line must say besides who, when and in which request."""

    action: str
    version: int | None = None
    alias: str | None = None
    old_digest: str | None = None
    new_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A version: ready, or a tombstone."""

    digest: str
    ready: bool = True
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Task:
    """A task: its versions by number, its aliases, their moves, and where each could go back to."""

    versions: Mapping[int, Version] = field(default_factory=lambda: MappingProxyType({}))
    aliases: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    moves: Mapping[str, tuple[Move, ...]] = field(default_factory=lambda: MappingProxyType({}))
    trails: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def ready(self) -> Mapping[int, Version]:
        """The versions that are no tombstones."""
        return {number: version for number, version in self.versions.items() if version.ready}

    def with_version(self, number: int, version: Version) -> "Task":
        """Return the task with a version added or replaced."""
        return replace(self, versions={**self.versions, number: version})

    def moved(self, alias: str, target: int | None, trail: tuple[int, ...]) -> "Task":
        """Return the task after one move of an alias."""
        aliases = {name: version for name, version in self.aliases.items() if name != alias}
        if target is not None:
            aliases[alias] = target
        move = (self.aliases.get(alias), target)
        return replace(
            self,
            aliases=aliases,
            moves={**self.moves, alias: (*self.moves.get(alias, ()), move)},
            trails={**self.trails, alias: trail},
        )


@dataclass(frozen=True, slots=True)
class Effect:
    """What a call does: the task afterwards, the lines that tell of it, and the answer."""

    after: Task
    answer: Answer
    lines: Sequence[Line] = ()


class RefusalError(Exception):
    """A call that changes nothing, with the code of the reason."""


def effect(task: Task, call: Call) -> Effect:
    """Return what a call does to a task."""
    try:
        return _EFFECTS[call.verb](task, call)
    except RefusalError as refusal:
        return Effect(task, Answer("refused", str(refusal)))


def _publish(task: Task, call: Call) -> Effect:
    identity = digest(call.seed)
    known = [number for number, version in task.ready.items() if version.digest == identity]
    lines: list[Line] = []
    number = known[0] if known else len(task.versions) + 1
    after = task
    if not known:
        after = task.with_version(number, Version(identity))
        lines.append(Line("version.published", number, new_digest=identity))
        if not task.ready:
            after = _move(after, "live", number, lines)
    if call.alias is not None:
        after = _move(after, call.alias, number, lines)
    return Effect(after, Answer("ok", version=number, created=not known), lines)


def _reject(task: Task, call: Call) -> Effect:
    del call
    return Effect(task, Answer("refused", "invalid_adapter"), [Line("upload.rejected")])


def _point(task: Task, call: Call) -> Effect:
    _require_version(task, call.version)
    alias = _alias(call)
    _require_place(task, alias, call.expected)
    lines: list[Line] = []
    after = _move(task, alias, call.version, lines)
    return Effect(after, Answer("ok", version=call.version), lines)


def _rollback(task: Task, call: Call) -> Effect:
    now = _require_alias(task, call)
    alias = _alias(call)
    trail = task.trails[alias]
    for place in range(len(trail) - 2, -1, -1):
        target = trail[place]
        if target != now and task.versions[target].ready:
            line = _moved_line(task, alias, now, target)
            after = task.moved(alias, target, trail[: place + 1])
            return Effect(after, Answer("ok", version=target), [line])
    raise RefusalError("nothing_to_roll_back_to")


def _delete_alias(task: Task, call: Call) -> Effect:
    _require_alias(task, call)
    lines: list[Line] = []
    after = _move(task, _alias(call), None, lines)
    return Effect(after, Answer("ok"), lines)


def _delete_version(task: Task, call: Call) -> Effect:
    version = _require_version(task, call.version)
    if call.version in task.aliases.values():
        raise RefusalError("version_in_use")
    after = task.with_version(call.version, replace(version, ready=False))
    line = Line("version.deleted", call.version, old_digest=version.digest)
    return Effect(after, Answer("ok", version=call.version), [line])


def _delete_task(task: Task, call: Call) -> Effect:
    _require_ready(task)
    if task.aliases and not call.force:
        raise RefusalError("version_in_use")
    lines: list[Line] = []
    after = task
    for alias in sorted(task.aliases):
        after = _move(after, alias, None, lines)
    for number, version in sorted(task.ready.items()):
        after = after.with_version(number, replace(version, ready=False))
        lines.append(Line("version.deleted", number, old_digest=version.digest))
    return Effect(after, Answer("ok"), [*lines, Line("task.deleted")])


def _tag(task: Task, call: Call) -> Effect:
    version = _require_version(task, call.version)
    changed = {call.tag} if call.verb == "tag" else set[str]()
    tags = frozenset((version.tags - {call.tag}) | changed)
    answer = Answer("ok", version=call.version)
    if tags == version.tags:
        return Effect(task, answer)
    after = task.with_version(call.version, replace(version, tags=tags))
    line = Line(
        "version.tagged", call.version, old_digest=version.digest, new_digest=version.digest
    )
    return Effect(after, answer, [line])


def _look(task: Task, call: Call) -> Effect:
    del call
    _require_ready(task)
    return Effect(task, Answer("ok", version=task.aliases.get("live")))


_EFFECTS = {
    "publish": _publish,
    "reject": _reject,
    "point": _point,
    "rollback": _rollback,
    "delete_alias": _delete_alias,
    "delete_version": _delete_version,
    "delete_task": _delete_task,
    "tag": _tag,
    "untag": _tag,
    "look": _look,
}


def _move(task: Task, alias: str, target: int | None, lines: list[Line]) -> Task:
    origin = task.aliases.get(alias)
    if origin == target:
        return task
    lines.append(_moved_line(task, alias, origin, target))
    trail = task.trails.get(alias, ())
    return task.moved(alias, target, trail if target is None else (*trail, target))


def _moved_line(task: Task, alias: str, origin: int | None, target: int | None) -> Line:
    return Line(
        "alias.deleted" if target is None else "alias.moved",
        target,
        alias,
        None if origin is None else task.versions[origin].digest,
        None if target is None else task.versions[target].digest,
    )


def _alias(call: Call) -> str:
    if call.alias is None:
        raise ValueError(f"call {call.id!r} names no alias")
    return call.alias


def _require_ready(task: Task) -> None:
    if not task.ready:
        raise RefusalError("task_not_found")


def _require_version(task: Task, number: int) -> Version:
    _require_ready(task)
    version = task.versions.get(number)
    if version is None or not version.ready:
        raise RefusalError("version_not_found")
    return version


def _require_alias(task: Task, call: Call) -> int:
    _require_ready(task)
    now = task.aliases.get(_alias(call))
    if now is None:
        raise RefusalError("alias_not_found")
    _require_place(task, _alias(call), call.expected)
    return now


def _require_place(task: Task, alias: str, expected: Expected) -> None:
    if expected not in ("anywhere", task.aliases.get(alias)):
        raise RefusalError("alias_conflict")
