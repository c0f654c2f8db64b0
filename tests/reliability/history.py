"""Is there one order of all calls that explains every answer and the audit log? (Linearizability.)

A change leaves its audit lines in the transaction that makes it, each with the request id of its
call. The log therefore gives the order of all changes, and says which unknown calls took place.
`History` replays it on the model: each call's lines are all there or none of them, they say what
the model says, each answer is that of the model at its place, and no call comes before one that
had ended before it began. A call without lines must have a place among the changes of its time
where the model gives its answer and changes nothing.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from multitap_registry.contract import AuditLine, ChainHead, line_hash

from .calls import Call, Recorded
from .model import Effect, Line, Task, effect

# Refusals that say nothing of the registry: no thread was free.
BUSY = frozenset({"overloaded"})


class InconsistencyError(Exception):
    """What was recorded and what is there contradict each other."""


@dataclass
class History:
    """The calls of all clients so far, taken in instalments between which nothing was running.

    `counts` tells how many calls had which end: of those without an answer, `whole` took place and
    `absent` did not.
    """

    tasks: dict[str, Task] = field(default_factory=dict[str, Task])
    head: ChainHead = field(default_factory=ChainHead)
    counts: Counter[str] = field(default_factory=Counter[str])
    _seen: set[str] = field(default_factory=set[str])

    def task(self, name: str) -> Task:
        """Return a task as it must be now."""
        return self.tasks.get(name, Task())

    def take(self, recorded: Sequence[Recorded], lines: Sequence[AuditLine]) -> None:
        """Take calls that have all ended, and every audit line since the last time.

        Raises:
            InconsistencyError: they contradict each other.
        """
        self._check_chain(lines)
        calls = {record.call.id: record for record in recorded}
        if len(calls) != len(recorded) or self._seen & calls.keys():
            raise InconsistencyError("two calls have the same id")
        self._seen |= calls.keys()
        groups = _groups(lines, calls)
        _check_times([record for record, _ in groups])
        stages = self._replay(groups)
        changed = {record.call.id for record, _ in groups}
        for record in recorded:
            if record.call.id not in changed:
                self._place(record, [entry for entry, _ in groups], stages)

    def _check_chain(self, lines: Sequence[AuditLine]) -> None:
        for line in lines:
            if (line.seq, line.previous) != (self.head.seq + 1, self.head.hash):
                raise InconsistencyError(f"audit line {line.seq} does not follow {self.head}")
            if line.hash != line_hash(line.seq, line.entry, line.previous):
                raise InconsistencyError(f"audit line {line.seq} has another hash than its content")
            self.head = line.head

    def _replay(self, groups: Sequence[tuple[Recorded, list[AuditLine]]]) -> list[dict[str, Task]]:
        """Apply every change; return all tasks before the first change and after each."""
        stages = [dict(self.tasks)]
        for record, lines in groups:
            expected = effect(self.task(record.call.task), record.call)
            _require_same(record, lines, expected)
            self.tasks[record.call.task] = expected.after
            stages.append(dict(self.tasks))
            self._count(record, "whole" if record.answer.outcome == "unknown" else None)
        return stages

    def _place(
        self,
        record: Recorded,
        order: Sequence[Recorded],
        stages: Sequence[dict[str, Task]],
    ) -> None:
        """Find where a call without lines fits among the changes of its time."""
        if record.answer.outcome == "unknown" or record.answer.code in BUSY:
            self._count(record, "absent" if record.answer.outcome == "unknown" else "busy")
            return
        first = max(
            (n for n, other in enumerate(order, 1) if other.ended_s < record.began_s), default=0
        )
        last = min(
            (n for n, other in enumerate(order) if other.began_s > record.ended_s),
            default=len(order),
        )
        for stage in stages[first : last + 1]:
            found = effect(stage.get(record.call.task, Task()), record.call)
            if not found.lines and found.answer == record.answer:
                self._count(record, None)
                return
        raise InconsistencyError(
            f"{record.call} was answered by {record.answer}, which left no trace, and does not fit"
            f" anywhere behind changes {first} to {last} of its instalment"
        )

    def _count(self, record: Recorded, end: str | None) -> None:
        self.counts[end or record.answer.outcome] += 1
        self.counts["calls"] += 1


def _groups(
    lines: Sequence[AuditLine], calls: dict[str, Recorded]
) -> list[tuple[Recorded, list[AuditLine]]]:
    """Return the lines of each call that left some, in the log's order."""
    groups: list[tuple[Recorded, list[AuditLine]]] = []
    for name, group in groupby(lines, key=lambda line: line.entry.request_id):
        if name is None or name not in calls:
            raise InconsistencyError(f"audit lines tell of request {name!r}, which nobody sent")
        groups.append((calls[name], list(group)))
    twice = [name for name, count in Counter(r.call.id for r, _ in groups).items() if count > 1]
    if twice:
        raise InconsistencyError(f"calls {twice} changed something twice")
    return groups


def _check_times(order: Sequence[Recorded]) -> None:
    """Check that no call stands before one that had ended before it began."""
    earliest_end_s = math.inf
    for record in reversed(order):
        if earliest_end_s < record.began_s:
            raise InconsistencyError(f"{record.call} stands before a call that ended before it")
        if record.answer.outcome != "unknown":
            earliest_end_s = min(earliest_end_s, record.ended_s)


def _require_same(record: Recorded, lines: Iterable[AuditLine], expected: Effect) -> None:
    found = [_said(line, record.call) for line in lines]
    if found != list(expected.lines):
        raise InconsistencyError(f"{record.call} left the lines {found}, expected {expected.lines}")
    if record.answer.outcome != "unknown" and record.answer != expected.answer:
        raise InconsistencyError(
            f"{record.call} was answered by {record.answer}, expected {expected.answer}"
        )


def _said(line: AuditLine, call: Call) -> Line:
    entry = line.entry
    if entry.task != call.task:
        raise InconsistencyError(f"{call} left a line of task {entry.task!r}")
    return Line(entry.action, entry.version, entry.alias, entry.old_digest, entry.new_digest)
