"""The adapters in memory: loaded once, pinned while in use, evicted least recently used.

Used from the event loop only, which makes it lock-free; files are read, checked and built in a
thread pool, so that traffic of resident adapters goes on meanwhile. Entries are named by digest:
a moved alias or a new version never changes what a pinned row runs through.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from multitap_adapters.adapter import Adapter


@dataclass(frozen=True, slots=True)
class Loaded:
    """An adapter ready to run, and the bytes of its tensors."""

    adapter: Adapter
    size_bytes: int


@dataclass(slots=True, eq=False)
class _Entry:
    loaded: Loaded
    pins: int = 0


class Bank:
    """Resident adapters by digest."""

    def __init__(
        self, load: Callable[[str], Loaded], *, budget_bytes: int, executor: Executor
    ) -> None:
        """`load` blocks, and runs in the executor; its errors reach everybody who waits for it."""
        self._load = load
        self._budget_bytes = budget_bytes
        self._executor = executor
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._loading: dict[str, asyncio.Task[None]] = {}
        self.resident_bytes = 0
        self.loads = 0
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._entries)

    def pin(self, digest: str) -> Adapter | None:
        """Pin and return an adapter if it is resident."""
        entry = self._entries.get(digest)
        if entry is None:
            return None
        entry.pins += 1
        self._entries.move_to_end(digest)
        return entry.loaded.adapter

    async def pin_loaded(self, digest: str) -> Adapter:
        """Load an adapter if need be, pin and return it; whoever waits at once shares one load."""
        while (adapter := self.pin(digest)) is None:
            loading = self._loading.get(digest)
            if loading is None:
                loading = asyncio.create_task(self._bring(digest))
                self._loading[digest] = loading
            await asyncio.shield(loading)
        return adapter

    def unpin(self, digest: str) -> None:
        """Let go of a pinned adapter; it stays while there is room."""
        self._entries[digest].pins -= 1
        self._evict()

    async def _bring(self, digest: str) -> None:
        try:
            loop = asyncio.get_running_loop()
            loaded = await loop.run_in_executor(self._executor, self._load, digest)
        finally:
            del self._loading[digest]
        self._entries[digest] = _Entry(loaded)
        self.resident_bytes += loaded.size_bytes
        self.loads += 1
        self._evict(spared=digest)

    def _evict(self, spared: str | None = None) -> None:
        for digest in list(self._entries):
            if self.resident_bytes <= self._budget_bytes:
                return
            entry = self._entries[digest]
            if not entry.pins and digest != spared:
                del self._entries[digest]
                self.resident_bytes -= entry.loaded.size_bytes
                self.evictions += 1
