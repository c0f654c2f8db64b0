"""The log of events, and who waits for its next entry: a future each, and never a thread."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from multitap.logs import Event, EventList
from multitap_registry.contract import Event as EventRecord
from multitap_registry.contract import Registry

from .engine.errors import Overloaded
from .errors import ClientGone
from .threads import RETRY_AFTER_S, Threads


class Feed:
    """Pages of events; where there is none yet, a page may wait for it.

    As a context manager it follows the registry; outside of it nobody waits.
    """

    def __init__(self, registry: Registry, threads: Threads, *, waiters: int) -> None:
        self._registry: Final = registry
        self._threads: Final = threads
        self._room = waiters
        self._changed = asyncio.Event()
        self._unsubscribe: Callable[[], None] | None = None
        self._reads: Final[dict[tuple[int, int], asyncio.Future[Sequence[EventRecord]]]] = {}

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()

        def tell(_: int) -> None:
            with suppress(RuntimeError):  # the loop has been closed meanwhile
                loop.call_soon_threadsafe(self._wake)

        self._unsubscribe = self._registry.subscribe(tell)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._wake()

    async def page(
        self,
        *,
        after: int,
        limit: int,
        wait_s: float,
        client_gone: Callable[[], Awaitable[None]],
        leaving: asyncio.Event | None,
    ) -> EventList:
        """Return at most `limit` events behind `after`, once there is one or the wait is over.

        The wait is over after `wait_s`, and as soon as `leaving` is set.

        Raises:
            Overloaded: as many callers as may wait do so already.
            StorageUnavailable: the log cannot be read.
            ClientGone: nobody waits any more.
        """
        if wait_s > 0 and self._registry.last_event() <= after:
            await self._wait(after, wait_s, client_gone, leaving)
        last = self._registry.last_event()
        # Never more than reads of this server show, so that who hears of a change can see it.
        count = min(limit, last - after)
        if count <= 0:
            return EventList(events=[], next=after, last=last)
        found = await self._read(after, count)
        return EventList(
            events=[_event(each) for each in found],
            next=found[-1].seq if found else after,
            last=last,
        )

    async def _read(self, after: int, count: int) -> Sequence[EventRecord]:
        """Read once for all who were woken by the same event."""
        part = (after, count)
        reading = self._reads.get(part)
        if reading is None:
            reading = self._threads.start(lambda: self._registry.events(after=after, limit=count))
            self._reads[part] = reading
            reading.add_done_callback(lambda _: self._reads.pop(part, None))
        return await asyncio.shield(reading)

    async def _wait(
        self,
        after: int,
        wait_s: float,
        client_gone: Callable[[], Awaitable[None]],
        leaving: asyncio.Event | None,
    ) -> None:
        if self._room <= 0:
            raise Overloaded(RETRY_AFTER_S)
        self._room -= 1
        watch = asyncio.ensure_future(client_gone())
        ends = [watch, asyncio.ensure_future(self._reach(after))]
        if leaving is not None:
            ends.append(asyncio.ensure_future(_until(leaving)))
        try:
            await asyncio.wait(ends, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            if watch.done():
                watch.result()
                raise ClientGone
        finally:
            self._room += 1
            for end in ends:
                end.cancel()

    async def _reach(self, after: int) -> None:
        """Return once there is an event behind `after`, or the registry is followed no more."""
        while self._unsubscribe is not None:
            changed = self._changed  # taken before the look, so that no change falls between
            if self._registry.last_event() > after:
                return
            await changed.wait()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


async def _until(event: asyncio.Event) -> None:
    await event.wait()


def _event(record: EventRecord) -> Event:
    return Event(
        seq=record.seq,
        at=record.at,
        by=record.by,
        type=record.type,
        task=record.task,
        version=record.version,
        alias=record.alias,
    )
