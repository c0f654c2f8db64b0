"""Any series of calls, and reopenings between them, gives the same answers from every registry.

All clocks stand still, so that the answers are the same to the last hash of the audit log.
"""

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from database_urls import changing, empty_tables
from multitap_registry.contract import UNSET, Registry, TaskFilter, Unset
from multitap_registry.errors import RegistryError
from multitap_registry.folder import open_registry
from multitap_registry.memory import MemoryRegistry
from multitap_registry.reference import Reference
from multitap_registry.sql import SqlRegistry
from publishing import publish
from sample_adapters import sample_adapter

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TASKS = st.sampled_from(["spam", "ham"])
ALIASES = st.sampled_from(["live", "candidate"])
VERSIONS = st.integers(1, 4)
TAGS = st.sets(st.sampled_from(["good", "bad", "old"]))
EXPECTED = st.just(UNSET) | st.none() | VERSIONS
REASONS = st.none() | st.sampled_from(["", "worse on é", "NUL \0 and \ud800"])
SETTINGS = settings(max_examples=12, stateful_step_count=25, deadline=None)

ResultT = TypeVar("ResultT")


def outcome(call: Callable[[], ResultT]) -> ResultT | str:
    """Return what a call returned, or the error that it raised, as text."""
    try:
        return call()
    except RegistryError as error:
        return repr(error)


class BothRegistries(RuleBasedStateMachine):
    """A registry on SQL beside the one in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.opened = self.stack.enter_context(ExitStack())
        self.memory: Registry = MemoryRegistry(clock=lambda: NOON)
        self.stored: Registry = self.opened.enter_context(self.open())

    def open(self) -> AbstractContextManager[SqlRegistry]:
        """Open the registry on SQL."""
        return open_registry(self.folder, clock=lambda: NOON)

    def compare(self, call: Callable[[Registry], object]) -> None:
        """Make the same call on both."""
        assert outcome(lambda: call(self.stored)) == outcome(lambda: call(self.memory))

    @rule(task=TASKS, seed=st.integers(0, 4), alias=st.none() | ALIASES)
    def publish(self, task: str, seed: int, alias: str | None) -> None:
        """Publish some of few files."""
        self.compare(lambda r: publish(r, task, sample_adapter(seed), by=str(seed), alias=alias))

    @rule(task=TASKS, reason=st.sampled_from(["NaN", "NUL \0"]))
    def reject(self, task: str, reason: str) -> None:
        """Refuse an upload."""
        self.compare(lambda r: r.reject(task, by="ann", reason=reason))

    @rule(task=TASKS, alias=ALIASES, version=VERSIONS, expected=EXPECTED, reason=REASONS)
    def point(
        self,
        task: str,
        alias: str,
        version: int,
        expected: int | Unset | None,
        reason: str | None,
    ) -> None:
        """Move an alias."""
        self.compare(
            lambda r: r.point(task, alias, version, by="bob", expected=expected, reason=reason)
        )

    @rule(task=TASKS, alias=ALIASES, expected=EXPECTED)
    def rollback(self, task: str, alias: str, expected: int | Unset | None) -> None:
        """Go back."""
        self.compare(lambda r: r.rollback(task, alias, by="bob", expected=expected))

    @rule(task=TASKS, alias=ALIASES, expected=EXPECTED)
    def delete_alias(self, task: str, alias: str, expected: int | Unset | None) -> None:
        """Delete an alias."""
        self.compare(lambda r: r.delete_alias(task, alias, by="bob", expected=expected))

    @rule(task=TASKS, version=VERSIONS)
    def delete_version(self, task: str, version: int) -> None:
        """Delete a version."""
        self.compare(lambda r: r.delete_version(task, version, by="eve"))

    @rule(task=TASKS, force=st.booleans())
    def delete_task(self, task: str, force: bool) -> None:  # noqa: FBT001 - drawn by its name
        """Delete a task."""
        self.compare(lambda r: r.delete_task(task, by="eve", force=force))

    @rule(task=TASKS, version=VERSIONS, add=TAGS, remove=TAGS)
    def tag(self, task: str, version: int, add: set[str], remove: set[str]) -> None:
        """Give tags and take them away."""
        self.compare(lambda r: r.tag(task, version, by="ann", add=add, remove=remove))

    @rule(task=TASKS, place=ALIASES | VERSIONS)
    def resolve(self, task: str, place: str | int) -> None:
        """Resolve a reference."""
        self.compare(lambda r: r.resolve(Reference(task, place)))

    @rule()
    def reopen(self) -> None:
        """Close what is stored and open it again."""
        self.opened.close()
        self.stored = self.opened.enter_context(self.open())

    @invariant()
    def same_lists(self) -> None:
        """Compare everything that is listed."""
        self.compare(lambda r: list(r.tasks(limit=99).records))
        self.compare(lambda r: list(r.tasks(limit=99, where=TaskFilter(tag="good")).records))
        for task in ("spam", "ham"):
            self.compare(partial(_versions_and_moves, task))

    @invariant()
    def same_logs(self) -> None:
        """Compare everything that was told."""
        self.compare(lambda r: r.last_event())
        self.compare(lambda r: list(r.events(after=0, limit=999)))
        self.compare(lambda r: list(r.audit(after=0, limit=999)))

    def teardown(self) -> None:
        """Close everything."""
        self.stack.close()


def _versions_and_moves(task: str, registry: Registry) -> tuple[object, ...]:
    return (
        list(registry.versions(task, limit=99).records),
        list(registry.history(task, "live")),
    )


def test_folder_answers_as_memory_does() -> None:
    run_state_machine_as_test(BothRegistries, settings=SETTINGS)


def test_shared_database_answers_as_memory_does(prepared_url: str) -> None:
    class WithSharedDatabase(BothRegistries):
        def __init__(self) -> None:
            with changing(prepared_url) as connection:
                empty_tables(connection)
            super().__init__()

        def open(self) -> AbstractContextManager[SqlRegistry]:
            return open_registry(self.folder, database=prepared_url, clock=lambda: NOON)

    run_state_machine_as_test(WithSharedDatabase, settings=SETTINGS)
