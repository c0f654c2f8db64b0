"""The adapters in memory: loaded once, pinned while in use, evicted least recently used.

Used from the event loop only, which makes it lock-free; files are read, checked and built in a
thread pool, so that traffic of resident adapters goes on meanwhile. Entries are named by digest:
a moved alias or a new version never changes what a pinned row runs through.

A pin holds from before its adapter is loaded, so nothing is evicted between a load and its use.
Pinned adapters may exceed the budget; what nobody holds is evicted until the rest fits.
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
    digest: str
    loading: "asyncio.Future[Loaded]"
    pins: int = 0
    resident: bool = False


class Pin:
    """One hold on an adapter, from the request for it until `release`.

    `loading` is shared by everybody who holds the adapter and done where it is resident: add
    callbacks to it, or await it shielded, and never cancel it. It is cancelled where the thread
    pool was shut down before the load.
    """

    def __init__(self, entry: _Entry, unpin: Callable[[_Entry], None]) -> None:
        self.loading = entry.loading
        self._entry: _Entry | None = entry
        self._unpin = unpin

    def release(self) -> None:
        """Let go of the adapter; it stays while there is room. A second call does nothing."""
        entry, self._entry = self._entry, None
        if entry is not None:
            self._unpin(entry)


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
        self.resident_bytes = 0
        self.loads = 0
        self.evictions = 0

    def __len__(self) -> int:
        """Return how many adapters are resident."""
        return self.loads - self.evictions

    def pin(self, digest: str) -> Pin:
        """Hold an adapter, and start to load it if need be; whoever waits at once shares one load.

        A load that failed is forgotten: the next pin tries again.
        """
        entry = self._entries.get(digest)
        if entry is None:
            loop = asyncio.get_running_loop()
            entry = _Entry(digest, loop.run_in_executor(self._executor, self._load, digest))
            self._entries[digest] = entry
            entry.loading.add_done_callback(lambda _: self._finish(entry))
        entry.pins += 1
        self._entries.move_to_end(digest)
        return Pin(entry, self._unpin)

    def _finish(self, entry: _Entry) -> None:
        # Asking for the exception also marks it as seen, for loads that nobody waits for any more.
        if entry.loading.cancelled() or entry.loading.exception() is not None:
            del self._entries[entry.digest]
            return
        entry.resident = True
        self.resident_bytes += entry.loading.result().size_bytes
        self.loads += 1
        self._evict()

    def _unpin(self, entry: _Entry) -> None:
        entry.pins -= 1
        self._evict()

    def _evict(self) -> None:
        if self.resident_bytes <= self._budget_bytes:
            return
        for entry in list(self._entries.values()):
            if entry.resident and not entry.pins:
                del self._entries[entry.digest]
                self.resident_bytes -= entry.loading.result().size_bytes
                self.evictions += 1
                if self.resident_bytes <= self._budget_bytes:
                    return
