"""A bounded pool of threads: calls beyond its room are refused, not queued for ever."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .engine.errors import Overloaded

ResultT = TypeVar("ResultT")
RETRY_AFTER_S = 1.0


class Threads:
    """Runs blocking calls outside the event loop, `workers` at once and `waiting` behind them."""

    def __init__(self, name: str, *, workers: int, waiting: int) -> None:
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix=f"multitap-{name}")
        self._room = workers + waiting

    def start(self, call: Callable[[], ResultT]) -> "asyncio.Future[ResultT]":
        """Queue a call; cancelling its future drops it unless it runs already.

        Raises:
            Overloaded: there is no room.
        """
        if self._room <= 0:
            raise Overloaded(RETRY_AFTER_S)
        self._room -= 1
        loop = asyncio.get_running_loop()
        future = self._executor.submit(call)
        # The place is free when the thread is, even where the waiting task was cancelled.
        future.add_done_callback(lambda _: _free(loop, self._leave))
        return asyncio.wrap_future(future)

    async def run(self, call: Callable[[], ResultT]) -> ResultT:
        """Run a call in a thread and return what it returns. Raises: as `start`, and the call."""
        return await self.start(call)

    def close(self) -> None:
        """Take no more calls and drop those that wait; running ones end by themselves."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _leave(self) -> None:
        self._room += 1


def _free(loop: asyncio.AbstractEventLoop, leave: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(leave)
