"""kill -9 at any moment of a backup or a restore: all is there, or nothing that anybody sees."""

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from multitap_registry.copies.backup import back_up
from multitap_registry.copies.restore import restore
from multitap_registry.folder import open_parts, open_registry
from publishing import publish
from registry.copies.filled_registries import fill, tables_in
from sample_adapters import sample_adapter

ROUNDS = 12


@pytest.fixture(scope="module")
def server() -> ForkServerContext:
    """Return what starts processes fast, with everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return the folder of a registry with some files."""
    with open_registry(tmp_path / "source") as registry:
        fill(registry)
        for seed in range(20):
            publish(registry, "many", sample_adapter(100 + seed))
    return tmp_path / "source"


def make_backup(source: Path, target: Path) -> None:
    with open_parts(source) as parts:
        back_up(parts.database, parts.blobs, target)


def run_and_kill(
    server: ForkServerContext,
    copy: Callable[[Path, Path], object],
    source: Path,
    target: Path,
    delay_s: float | None,
) -> float:
    """Run a copy in a process, killed after a delay, and return how long it ran."""
    process = server.Process(target=copy, args=(source, target))
    begun = time.monotonic()
    process.start()
    process.join(delay_s)
    process.kill()
    process.join()
    return time.monotonic() - begun


def test_killed_backup_is_whole_or_not_there_and_can_be_made_again(
    server: ForkServerContext, source: Path, tmp_path: Path
) -> None:
    rows = tables_in(source)
    run_and_kill(server, make_backup, source, tmp_path / "warm", None)
    duration_s = run_and_kill(server, make_backup, source, tmp_path / "timed", None)
    assert tables_in(tmp_path / "timed") == rows
    there: list[bool] = []
    for number in range(ROUNDS):
        target = tmp_path / "backups" / str(number // 4)
        if not target.exists():
            delay_s = duration_s * (0.1 + number / ROUNDS)
            run_and_kill(server, make_backup, source, target, delay_s)
        there.append(target.exists())
        if there[-1]:
            assert tables_in(target) == rows
            restore(target, tmp_path / f"restored-{number}")

    assert not all(there)
    for name in {str(number // 4) for number in range(ROUNDS)}:
        target = tmp_path / "backups" / name
        if not target.exists():
            make_backup(source, target)
        assert tables_in(target) == rows
    assert {path.name for path in (tmp_path / "backups").iterdir()} == {"0", "1", "2"}


def test_killed_restore_shows_nothing_or_all_and_can_be_run_again(
    server: ForkServerContext, source: Path, tmp_path: Path
) -> None:
    backup, rows = tmp_path / "backup", tables_in(source)
    make_backup(source, backup)
    run_and_kill(server, restore, backup, tmp_path / "warm", None)
    duration_s = run_and_kill(server, restore, backup, tmp_path / "timed", None)
    assert tables_in(tmp_path / "timed") == rows
    outcomes: list[bool] = []
    for number in range(ROUNDS):
        target = tmp_path / f"target-{number}"
        run_and_kill(server, restore, backup, target, duration_s * (0.1 + number / ROUNDS))
        with open_registry(target) as registry:
            outcomes.append(registry.last_event() > 0)
        if not outcomes[-1]:
            restore(backup, target)
        assert tables_in(target) == rows

    assert not all(outcomes)
