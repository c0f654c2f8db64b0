"""One request at a time for each thing: a new one interrupts those before it, and waits for them.

A client whose connection was cut comes back before the server has noticed; it must not wait until
the server gives up on the old connection.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Queue:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    interrupts: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])


class Turns:
    """Turns by key; used from the event loop only."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}

    @asynccontextmanager
    async def take(self, key: str, interrupt: Callable[[], None]) -> AsyncGenerator[None]:
        """Interrupt whoever came before, wait for them, and have the thing to oneself.

        `interrupt` is called when the next one comes, maybe before the turn has begun.
        """
        queue = self._queues.setdefault(key, _Queue())
        for before in queue.interrupts:
            before()
        queue.interrupts.append(interrupt)
        try:
            async with queue.lock:
                yield
        finally:
            queue.interrupts.remove(interrupt)
            if not queue.interrupts:
                del self._queues[key]
