"""What holds of every registry under a mix of calls at once, without any crash."""

from collections.abc import Generator
from pathlib import Path

import pytest

from multitap_registry.contract import Registry
from multitap_registry.errors import AliasNotFound, TaskNotFound
from multitap_registry.folder import open_registry
from multitap_registry.memory import MemoryRegistry
from multitap_registry.reference import Reference
from reliability.actor import SHARED_TASK
from reliability.history import History
from reliability.mixes import run_mix
from reliability.standing import check_shown, check_stored


@pytest.fixture(params=["memory", "folder", "postgres"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Registry]:
    """Return a registry of each kind in turn."""
    if request.param == "memory":
        yield MemoryRegistry()
        return
    url = request.getfixturevalue("database_url") if request.param == "postgres" else None
    with open_registry(tmp_path / "registry", database=url) as stored:
        yield stored


def test_invariant_3_version_numbers_are_never_reused_or_changed(registry: Registry) -> None:
    history = History()
    history.take(*run_mix(registry, seed=2))

    check_shown(registry, history)
    tasks = history.tasks.values()
    assert all(sorted(task.versions) == list(range(1, len(task.versions) + 1)) for task in tasks)
    assert sum(len(task.versions) for task in tasks) > sum(len(task.ready) for task in tasks) > 0


def test_invariant_4_an_alias_resolves_to_a_ready_version_and_its_history_has_no_gaps(
    registry: Registry,
) -> None:
    states: list[str] = []

    def resolve() -> None:
        for alias in ("live", "candidate", "canary"):
            try:
                states.append(registry.resolve(Reference(SHARED_TASK, alias)).state)
            except (TaskNotFound, AliasNotFound):
                continue

    history = History()
    history.take(*run_mix(registry, seed=5, meanwhile=resolve))

    assert set(states) == {"ready"}
    check_shown(registry, history)


def test_invariant_5_every_row_has_its_blob(tmp_path: Path) -> None:
    with open_registry(tmp_path) as registry:
        history = History()
        history.take(*run_mix(registry, seed=3))

        # Reads every blob.
        check_shown(registry, history)
    check_stored(tmp_path, history)
    assert history.counts["ok"] > 0
