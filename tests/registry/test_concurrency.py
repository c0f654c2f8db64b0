"""Many threads on one registry: everything that is promised of one holds for all."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from multitap_registry.contract import Publication, Registry
from multitap_registry.errors import AliasConflict
from multitap_registry.reference import Reference
from publishing import publish
from sample_adapters import sample_adapter

ResultT = TypeVar("ResultT")


def all_at_once(calls: list[Callable[[], ResultT]]) -> list[ResultT]:
    """Run every call in a thread of its own, started together, and return their results."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], ResultT]) -> ResultT:
        barrier.wait(timeout=10)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def publish_call(registry: Registry, task: str, seed: int) -> Callable[[], Publication]:
    """Return a call that publishes a sample."""
    return lambda: publish(registry, task, sample_adapter(seed))


def test_same_bytes_twice_at_once_make_one_version(registry: Registry) -> None:
    for seed in range(10):
        published = all_at_once([publish_call(registry, "spam", seed) for _ in range(2)])

        assert sorted(p.created for p in published) == [False, True]
        assert {p.record.version for p in published} == {seed + 1}


def test_different_bytes_at_once_make_versions_without_gaps(registry: Registry) -> None:
    published = all_at_once([publish_call(registry, "spam", seed) for seed in range(8)])

    assert sorted(p.record.version for p in published) == list(range(1, 9))
    assert all(p.created for p in published)
    for p in published:
        assert registry.version("spam", p.record.version).digest == p.record.digest


def test_first_version_alone_becomes_live_when_many_are_first(registry: Registry) -> None:
    all_at_once([publish_call(registry, "spam", seed) for seed in range(8)])

    assert registry.task("spam").aliases == {"live": 1}


def test_tasks_that_come_at_once_are_all_there(registry: Registry) -> None:
    all_at_once([publish_call(registry, f"task-{n}", 0) for n in range(8)])

    assert len(registry.tasks(limit=9).records) == 8


def test_one_of_many_moves_from_the_same_place_wins(registry: Registry) -> None:
    for seed in range(9):
        publish(registry, "spam", sample_adapter(seed))

    def move(version: int) -> int | None:
        try:
            return registry.point("spam", "live", version, by="somebody", expected=1).version
        except AliasConflict:
            return None

    winners = [v for v in all_at_once([partial(move, v) for v in range(2, 10)]) if v]

    assert len(winners) == 1
    assert registry.task("spam").live == winners[0]


def test_readers_never_see_half_a_change(registry: Registry) -> None:
    publish(registry, "spam", sample_adapter(0))
    done = threading.Event()

    def write() -> None:
        try:
            for seed in range(1, 30):
                publish(registry, "spam", sample_adapter(seed), alias="live")
        finally:
            done.set()

    def read() -> int:
        seen = 0
        while not done.is_set():
            record = registry.resolve(Reference("spam"))
            task = registry.task("spam")
            assert "live" in record.aliases
            assert task.newest.version == task.live
            assert record.version >= seen
            seen = record.version
            assert registry.read_blob(record.digest)
        return seen

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        pool.submit(write).result()
        for reader in readers:
            assert reader.result() <= 30
