"""Any series of calls, and reopenings between them, gives the same answers from both registries."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from multitap_registry.contract import UNSET, Registry, TaskRecord, Unset, VersionRecord
from multitap_registry.errors import RegistryError
from multitap_registry.folder import open_registry
from multitap_registry.memory import MemoryRegistry
from multitap_registry.reference import Reference
from publishing import publish
from sample_adapters import sample_adapter

TASKS = st.sampled_from(["spam", "ham"])
ALIASES = st.sampled_from(["live", "candidate"])
ResultT = TypeVar("ResultT")


def facts(record: VersionRecord) -> tuple[object, ...]:
    """Return what must be the same in both registries: everything but the time."""
    return (record.task, record.version, record.digest, record.aliases, record.created_by)


def outcome(call: Callable[[], ResultT]) -> ResultT | str:
    """Return what a call returned, or the error that it raised, as text."""
    try:
        return call()
    except RegistryError as error:
        return repr(error)


class BothRegistries(RuleBasedStateMachine):
    """The registry in a folder beside the one in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.opened = self.stack.enter_context(ExitStack())
        self.memory: Registry = MemoryRegistry()
        self.stored: Registry = self.opened.enter_context(open_registry(self.folder))

    def compare(self, call: Callable[[Registry], object]) -> None:
        """Make the same call on both."""
        assert outcome(lambda: call(self.stored)) == outcome(lambda: call(self.memory))

    @rule(task=TASKS, seed=st.integers(0, 4), alias=st.none() | ALIASES)
    def publish(self, task: str, seed: int, alias: str | None) -> None:
        """Publish some of few files."""

        def call(registry: Registry) -> tuple[object, ...]:
            published = publish(registry, task, sample_adapter(seed), by=str(seed), alias=alias)
            return (published.created, *facts(published.record))

        self.compare(call)

    @rule(
        task=TASKS,
        alias=ALIASES,
        version=st.integers(1, 4),
        expected=st.just(UNSET) | st.none() | st.integers(1, 4),
    )
    def point(self, task: str, alias: str, version: int, expected: int | Unset | None) -> None:
        """Move an alias."""
        self.compare(
            lambda r: facts(r.point(task, alias, version, by="somebody", expected=expected))
        )

    @rule(task=TASKS, place=ALIASES | st.integers(1, 4))
    def resolve(self, task: str, place: str | int) -> None:
        """Resolve a reference."""
        self.compare(lambda r: facts(r.resolve(Reference(task, place))))

    @rule()
    def reopen(self) -> None:
        """Close the folder and open it again."""
        self.opened.close()
        self.stored = self.opened.enter_context(open_registry(self.folder))

    @invariant()
    def same_lists(self) -> None:
        """Compare everything that is listed."""
        self.compare(
            lambda r: [(t.task, t.aliases, t.versions, t.newest.version) for t in _tasks(r)]
        )
        self.compare(
            lambda r: [facts(v) for t in _tasks(r) for v in r.versions(t.task, limit=99).records]
        )

    def teardown(self) -> None:
        """Close everything."""
        self.stack.close()


def _tasks(registry: Registry) -> list[TaskRecord]:
    return list(registry.tasks(limit=99).records)


BothRegistries.TestCase.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
TestBothRegistries = BothRegistries.TestCase
