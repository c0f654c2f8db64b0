"""A pool of threads with a bounded room."""

import asyncio
import threading
from collections.abc import Generator

import pytest

from multitap_server.engine.errors import Overloaded
from multitap_server.threads import Threads


@pytest.fixture
def threads() -> Generator[Threads]:
    pool = Threads("test", workers=1, waiting=1)
    yield pool
    pool.close()


async def test_a_call_runs_outside_the_event_loop(threads: Threads) -> None:
    assert await threads.run(threading.current_thread) is not threading.current_thread()


async def test_what_a_call_raises_arrives(threads: Threads) -> None:
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0)


async def test_a_call_beyond_the_room_is_refused_and_later_ones_are_not(
    threads: Threads,
) -> None:
    gate = threading.Event()
    running, waiting = threads.start(gate.wait), threads.start(gate.wait)
    with pytest.raises(Overloaded):
        threads.start(gate.wait)
    gate.set()
    await asyncio.gather(running, waiting)

    assert await threads.run(lambda: 3) == 3


async def test_a_thread_that_is_not_awaited_any_more_still_takes_its_place(
    threads: Threads,
) -> None:
    gate, entered = threading.Event(), threading.Event()

    def occupy() -> bool:
        entered.set()
        return gate.wait()

    abandoned = threads.start(occupy)
    await asyncio.to_thread(entered.wait)
    abandoned.cancel()
    waiting = threads.start(lambda: 1)
    with pytest.raises(Overloaded):
        threads.start(lambda: 2)
    gate.set()

    assert await waiting == 1
