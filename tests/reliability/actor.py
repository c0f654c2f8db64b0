"""A client that calls a registry at random, one call after the other, and records what it hears.

`OPERATIONS` is the mix: what is done, and how often in relation to the rest.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from .calls import UNKNOWN, Answer, Call, Expected, Recorded, Verb

SHARED_TASK = "shared"
_ALIASES = ("live", "candidate", "canary")
_TAGS = ("good", "bad", "old")


class Caller(Protocol):
    """A way to a registry."""

    def perform(self, call: Call) -> Answer:
        """Make a call; `unknown` is the answer of one that was cut off."""
        ...

    def perform_in_parts(self, call: Call) -> Answer:
        """Publish by an upload in parts: a new one, or the one that was cut off."""
        ...

    def collect_garbage(self) -> None:
        """Remove blobs that no version needs, as `multitap gc` does, without any grace."""
        ...

    def unfinished_seed(self) -> int | None:
        """Return the adapter of the upload in parts that was cut off, None where none was."""
        ...


class Journal(Protocol):
    """Takes down every call before it is made, and again with its answer."""

    def asked(self, call: Call, at_s: float) -> None:
        """Note a call that is about to be made."""
        ...

    def answered(self, record: Recorded) -> None:
        """Note its answer."""
        ...


@dataclass
class Notebook:
    """A journal in memory, for the threads of one process."""

    records: list[Recorded] = field(default_factory=list[Recorded])
    has_answers: threading.Event = field(default_factory=threading.Event)

    def asked(self, call: Call, at_s: float) -> None:
        """Do nothing: this process outlives the call."""

    def answered(self, record: Recorded) -> None:
        """Keep the record."""
        self.records.append(record)
        self.has_answers.set()

    def wait_for_an_answer(self) -> None:
        """Return once the first call since the last time was answered."""
        self.has_answers.wait()

    def take(self) -> Sequence[Recorded]:
        """Return the records since the last time."""
        taken, self.records = self.records, []
        self.has_answers.clear()
        return taken


@dataclass
class Actor:
    """One client; tasks of its own are its own, and the shared one is everybody's.

    `seeds` are the adapters that were published by anybody, and will be again; `operations` is the
    mix, `OPERATIONS` where it is None.
    """

    name: str
    caller: Caller
    journal: Journal
    random: Random
    fresh_seeds: Iterator[int]
    seeds: list[int]
    newest: dict[str, int] = field(default_factory=dict[str, int])
    places: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    is_cut_off: bool = False
    operations: "Sequence[tuple[int, Operation]] | None" = None

    @property
    def tasks(self) -> Sequence[str]:
        """The tasks that it changes."""
        return (f"{self.name}-a", f"{self.name}-b", SHARED_TASK)

    def act(self) -> None:
        """Do one thing."""
        operations = self.operations or OPERATIONS
        weights = [weight for weight, _ in operations]
        (operation,) = self.random.choices([act for _, act in operations], weights)
        operation(self, self.random.choice(self.tasks))

    def act_until_cut_off(self) -> None:
        """Do one thing after the other until no answer comes any more."""
        while not self.is_cut_off:
            self.act()

    def perform(
        self,
        verb: Verb,
        task: str,
        *,
        seed: int = 0,
        alias: str | None = None,
        version: int = 0,
        expected: Expected = "anywhere",
        tag: str = "",
        force: bool = False,
        in_parts: bool = False,
    ) -> None:
        """Make one call, and learn from its answer."""
        name = f"{self.name}-{next(self.numbers)}"
        call = Call(name, verb, task, seed, alias, version, expected, tag, force)
        began_s = time.monotonic()
        self.journal.asked(call, began_s)
        answer = self.caller.perform_in_parts(call) if in_parts else self.caller.perform(call)
        self.is_cut_off = answer == UNKNOWN
        self.journal.answered(Recorded(call, answer, began_s, time.monotonic()))
        if answer.outcome == "ok":
            self._learn(call, answer)

    def some_version(self, task: str) -> int:
        """Return the number of a version that is likely there, or was."""
        newest = self.newest.get(task, 1)
        return max(1, newest - int(self.random.expovariate(0.5)))

    def some_expectation(self, task: str, alias: str) -> Expected:
        """Return a condition that often holds."""
        known = self.places.get((task, alias))
        return self.random.choice(("anywhere", known, known, self.some_version(task)))

    def some_alias(self) -> str:
        """Return an alias."""
        return self.random.choice(_ALIASES)

    def some_tag(self) -> str:
        """Return a tag."""
        return self.random.choice(_TAGS)

    def some_known_seed(self) -> int:
        """Return an adapter that was published lately, wherever."""
        return self.random.choice(self.seeds[-12:] or [1])

    def some_new_seed(self) -> int:
        """Return an adapter that nobody has published."""
        seed = next(self.fresh_seeds)
        self.seeds.append(seed)
        return seed

    def _learn(self, call: Call, answer: Answer) -> None:
        if answer.version is None:
            return
        self.newest[call.task] = max(self.newest.get(call.task, 0), answer.version)
        if call.alias is not None and call.verb in {"publish", "point", "rollback"}:
            self.places[call.task, call.alias] = answer.version
        if call.verb == "look":
            self.places[call.task, "live"] = answer.version


def publish_new(actor: Actor, task: str) -> None:
    """Publish new bytes."""
    actor.perform("publish", task, seed=actor.some_new_seed())


def publish_to_alias(actor: Actor, task: str) -> None:
    """Publish new bytes, and promote them in the same call."""
    actor.perform("publish", task, seed=actor.some_new_seed(), alias=actor.some_alias())


def publish_again(actor: Actor, task: str) -> None:
    """Publish bytes that are there already, or were, or are under another task."""
    alias = actor.random.choice((None, actor.some_alias()))
    actor.perform("publish", task, seed=actor.some_known_seed(), alias=alias)


def publish_in_parts(actor: Actor, task: str) -> None:
    """Publish new bytes by an upload in parts; one that was cut off goes on after the restart."""
    unfinished = actor.caller.unfinished_seed()
    seed = actor.some_new_seed() if unfinished is None else unfinished
    actor.perform("publish", task, seed=seed, in_parts=True)


def upload_what_is_no_adapter(actor: Actor, task: str) -> None:
    """Upload what must be refused."""
    actor.perform("reject", task)


def promote(actor: Actor, task: str) -> None:
    """Move an alias to wherever."""
    actor.perform("point", task, alias=actor.some_alias(), version=actor.some_version(task))


def compare_and_set(actor: Actor, task: str) -> None:
    """Move an alias if it is where this client believes."""
    alias = actor.some_alias()
    actor.perform(
        "point",
        task,
        alias=alias,
        version=actor.some_version(task),
        expected=actor.some_expectation(task, alias),
    )


def roll_back(actor: Actor, task: str) -> None:
    """Take the last move of an alias back."""
    alias = actor.some_alias()
    actor.perform("rollback", task, alias=alias, expected=actor.some_expectation(task, alias))


def delete_alias(actor: Actor, task: str) -> None:
    """Delete an alias."""
    actor.perform("delete_alias", task, alias=actor.some_alias())


def delete_version(actor: Actor, task: str) -> None:
    """Make a version a tombstone."""
    actor.perform("delete_version", task, version=actor.some_version(task))


def delete_task(actor: Actor, task: str) -> None:
    """Delete a task, with or without its aliases."""
    actor.perform("delete_task", task, force=actor.random.random() < 0.5)


def tag(actor: Actor, task: str) -> None:
    """Give a version a tag, or take one away."""
    verb: Verb = "tag" if actor.random.random() < 0.7 else "untag"
    actor.perform(verb, task, version=actor.some_version(task), tag=actor.some_tag())


def look(actor: Actor, task: str) -> None:
    """Ask what is live."""
    actor.perform("look", task)


def collect_garbage(actor: Actor, task: str) -> None:  # noqa: ARG001  (Operation)
    """Remove what no version needs, of all tasks; no answer, and nothing that anybody sees."""
    actor.caller.collect_garbage()


Operation = Callable[[Actor, str], None]

OPERATIONS: Sequence[tuple[int, Operation]] = (
    (6, publish_new),
    (3, publish_to_alias),
    (4, publish_again),
    (3, publish_in_parts),
    (1, upload_what_is_no_adapter),
    (5, promote),
    (4, compare_and_set),
    (4, roll_back),
    (1, delete_alias),
    (4, delete_version),
    (1, delete_task),
    (3, tag),
    (3, look),
    (2, collect_garbage),
)
