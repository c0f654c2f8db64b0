"""Waiting for events: woken by changes, ended by everything else that can end a wait."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from multitap.logs import EventList
from multitap_registry.errors import StorageUnavailable
from multitap_registry.memory import MemoryRegistry
from multitap_server.engine.errors import Overloaded
from multitap_server.errors import ClientGone
from multitap_server.feed import Feed
from multitap_server.threads import Threads
from publishing import publish
from sample_adapters import sample_adapter

LONG_S = 30.0


class Client:
    """One client that asks for events, and may leave."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.waits = asyncio.Event()
        self.leaves = asyncio.Event()
        self.server_leaves = asyncio.Event()

    async def ask(self, after: int = 0, *, wait_s: float = LONG_S) -> EventList:
        """Ask for events."""
        return await self._feed.page(
            after=after,
            limit=100,
            wait_s=wait_s,
            client_gone=self._gone,
            leaving=self.server_leaves,
        )

    async def start(self) -> "asyncio.Task[EventList]":
        """Ask in another task; return once that waits."""
        task = asyncio.create_task(self.ask())
        await self.waits.wait()
        return task

    async def _gone(self) -> None:
        self.waits.set()
        await self.leaves.wait()


@contextmanager
def feeding(registry: MemoryRegistry, *, waiters: int = 2) -> Generator[Feed]:
    """A feed that reads with one thread, and no call behind it."""
    threads = Threads("storage", workers=1, waiting=0)
    with Feed(registry, threads, waiters=waiters) as feed:
        yield feed
    threads.close()


async def change(registry: MemoryRegistry) -> None:
    """Make two events, `version.published` and `alias.moved`, on another thread."""
    await asyncio.to_thread(publish, registry, "mood", sample_adapter())


async def test_who_waits_is_answered_by_the_next_change(registry: MemoryRegistry) -> None:
    with feeding(registry) as feed:
        waiting = await Client(feed).start()
        assert not waiting.done()
        await change(registry)
        page = await waiting

    assert [event.type for event in page.events] == ["version.published", "alias.moved"]
    assert (page.next, page.last) == (2, 2)


async def test_what_is_there_already_is_not_waited_for(registry: MemoryRegistry) -> None:
    await change(registry)
    with feeding(registry) as feed:
        client = Client(feed)
        page = await client.ask(after=1)

    assert [event.seq for event in page.events] == [2]
    assert not client.waits.is_set()


async def test_a_wait_without_an_event_ends_in_time(registry: MemoryRegistry) -> None:
    with feeding(registry) as feed:
        page = await Client(feed).ask(after=7, wait_s=0.01)

    assert (page.events, page.next, page.last) == ([], 7, 0)


async def test_who_does_not_want_to_wait_does_not(registry: MemoryRegistry) -> None:
    with feeding(registry) as feed:
        client = Client(feed)
        assert (await client.ask(wait_s=0)).events == []

    assert not client.waits.is_set()


async def test_a_server_that_goes_answers_at_once(registry: MemoryRegistry) -> None:
    with feeding(registry) as feed:
        client = Client(feed)
        waiting = await client.start()
        client.server_leaves.set()

        assert (await waiting).events == []


async def test_a_feed_that_ends_lets_everybody_go(registry: MemoryRegistry) -> None:
    with feeding(registry) as feed:
        waiting = await Client(feed).start()

    assert (await waiting).events == []
    assert (await Client(feed).ask()).events == []


async def test_a_client_that_goes_makes_room_for_another(registry: MemoryRegistry) -> None:
    with feeding(registry, waiters=1) as feed:
        gone, other = Client(feed), Client(feed)
        waiting = await gone.start()
        with pytest.raises(Overloaded):
            await other.ask()
        gone.leaves.set()
        with pytest.raises(ClientGone):
            await waiting

        assert (await other.ask(wait_s=0.01)).events == []


async def test_many_who_wait_hold_no_thread_and_share_one_read(registry: MemoryRegistry) -> None:
    with feeding(registry, waiters=50) as feed:
        waiting = [await Client(feed).start() for _ in range(50)]
        await change(registry)
        pages = await asyncio.gather(*waiting)

    assert {page.next for page in pages} == {2}


async def test_a_log_that_cannot_be_read_is_an_error_of_everybody(
    registry: MemoryRegistry,
) -> None:
    await change(registry)
    registry.failure = StorageUnavailable("the disk failed")
    with feeding(registry) as feed:
        asked = [Client(feed).ask() for _ in range(2)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(each) for each in outcomes] == [StorageUnavailable] * 2
