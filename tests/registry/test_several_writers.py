"""Several servers that change one database at once: one order, without gaps, on all of them."""

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from multitap_registry.contract import GENESIS, Registry, line_hash
from multitap_registry.errors import AliasConflict, RegistryError
from multitap_registry.folder import open_registry
from multitap_registry.sql import SqlRegistry
from publishing import publish
from reliability.history import History
from reliability.mixes import run_mix
from reliability.standing import check_shown
from sample_adapters import sample_adapter

SERVERS = 2
THREADS = 4
PUBLISHES = 10
# How far behind a server may be.
PROMISED_S = 2.0


@pytest.fixture
def servers(tmp_path: Path, database_url: str) -> Generator[list[SqlRegistry], None, None]:
    """Return registries of several servers with one database."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(open_registry(tmp_path / str(number), database=database_url))
            for number in range(SERVERS)
        ]


def everything(registry: Registry) -> tuple[object, ...]:
    """Return all that a registry shows."""
    tasks = registry.tasks(limit=99)
    return (
        registry.last_event(),
        tasks,
        [registry.versions(task.task, limit=99) for task in tasks.records],
        [registry.history(task.task, "live") for task in tasks.records],
        registry.events(after=0, limit=999),
    )


def has_reached(registry: Registry, seq: int) -> bool:
    """Return whether a registry shows an event in the time that is promised."""
    reached = threading.Event()

    def hear(newest: int) -> None:
        if newest >= seq:
            reached.set()

    registry.subscribe(hear)
    hear(registry.last_event())
    return reached.wait(PROMISED_S)


def test_publishes_of_several_servers_at_once_have_no_gaps(servers: list[SqlRegistry]) -> None:
    def publish_some(number: int) -> list[int]:
        registry = servers[number % SERVERS]
        return [
            publish(
                registry, "spam", sample_adapter(number * PUBLISHES + part), alias="live"
            ).record.version
            for part in range(PUBLISHES)
        ]

    with ThreadPoolExecutor(SERVERS * THREADS) as pool:
        numbers = [n for found in pool.map(publish_some, range(SERVERS * THREADS)) for n in found]

    assert sorted(numbers) == list(range(1, SERVERS * THREADS * PUBLISHES + 1))
    for registry in servers:
        registry.catch_up()
    assert everything(servers[0]) == everything(servers[1])
    seqs = [event.seq for event in servers[0].events(after=0, limit=999)]
    assert seqs == list(range(1, 2 * len(numbers) + 1))
    moves = servers[0].history("spam", "live")
    assert [m.move for m in moves] == list(range(1, len(numbers) + 1))
    assert [m.origin for m in moves[1:]] == [m.target for m in moves[:-1]]


def test_audit_lines_of_several_servers_at_once_are_one_chain(servers: list[SqlRegistry]) -> None:
    def write_some(number: int) -> None:
        registry = servers[number % SERVERS]
        for part in range(PUBLISHES // 2):
            publish(registry, f"task-{number}", sample_adapter(part))
            registry.reject(f"task-{number}", by="mallory", reason="NaN")

    with ThreadPoolExecutor(SERVERS * THREADS) as pool:
        list(pool.map(write_some, range(SERVERS * THREADS)))

    lines = servers[0].audit(after=0, limit=999)
    publishes = SERVERS * THREADS * PUBLISHES // 2
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    assert len(lines) == 2 * publishes + SERVERS * THREADS
    assert [line.previous for line in lines] == [GENESIS, *(line.hash for line in lines[:-1])]
    assert all(line.hash == line_hash(line.seq, line.entry, line.previous) for line in lines)


def test_same_bytes_on_several_servers_at_once_are_one_version(servers: list[SqlRegistry]) -> None:
    def publish_on(registry: SqlRegistry) -> bool:
        return publish(registry, "spam", sample_adapter(1)).created

    with ThreadPoolExecutor(SERVERS) as pool:
        created = list(pool.map(publish_on, servers))

    assert sorted(created) == [False, True]


def test_one_of_the_moves_of_several_servers_from_the_same_place_wins(
    servers: list[SqlRegistry],
) -> None:
    for seed in range(SERVERS + 1):
        publish(servers[0], "spam", sample_adapter(seed))

    def move(number: int) -> RegistryError | None:
        try:
            servers[number].point("spam", "live", number + 2, by="ann", expected=1)
        except AliasConflict as error:
            return error
        return None

    with ThreadPoolExecutor(SERVERS) as pool:
        lost = [error for error in pool.map(move, range(SERVERS)) if error]

    assert len(lost) == SERVERS - 1


def test_invariant_6_events_are_gapless_and_every_replica_converges_within_two_seconds(
    servers: list[SqlRegistry],
) -> None:
    history = History()
    with ExitStack() as following:
        for registry in servers:
            following.enter_context(registry.follow())
        history.take(*run_mix(*servers, seed=4))
        last = max(registry.last_event() for registry in servers)
        for registry in servers:
            assert has_reached(registry, last)

    for registry in servers:
        # Each of these servers has a folder of blobs of its own.
        check_shown(registry, history, bytes_too=False)
