"""Loads that are shared, pins that always come back, and an eviction that spares what is used."""

import asyncio
import gc
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_parts import plain_adapter, soon
from multitap_server.engine.bank import Bank, Loaded, Pin

P = ParamSpec("P")
T = TypeVar("T")


class HeldExecutor(Executor):
    """Runs a call only when the test says so; calls are named by their first argument."""

    def __init__(self) -> None:
        self.calls: dict[object, Callable[[], None]] = {}
        self.futures: list[Future[object]] = []

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            future.set_running_or_notify_cancel()
            try:
                future.set_result(fn(*args, **kwargs))
            except OSError as error:
                future.set_exception(error)

        self.calls[args[0]] = run
        self.futures.append(future)  # type: ignore[arg-type]  # only to cancel it
        return future


class Shelf:
    """A bank whose adapters have the sizes that their names end with, loaded by hand."""

    def __init__(self, budget_bytes: int) -> None:
        self.executor = HeldExecutor()
        self.bank = Bank(self.load, budget_bytes=budget_bytes, executor=self.executor)
        self.broken: set[str] = set()
        self.loaded: list[str] = []

    def load(self, digest: str) -> Loaded:
        self.loaded.append(digest)
        if digest in self.broken:
            raise OSError(f"{digest} cannot be read")
        return Loaded(plain_adapter(), int(digest.rpartition("-")[2]))

    def finish(self, *digests: str) -> None:
        """Let loads end; the event loop learns of it when it runs next."""
        for digest in digests:
            self.executor.calls.pop(digest)()

    async def hold(self, digest: str) -> Pin:
        """Pin an adapter and load it if need be."""
        pin = self.bank.pin(digest)
        if not pin.loading.done():
            self.finish(digest)
        await soon(asyncio.shield(pin.loading))
        return pin

    async def visit(self, digest: str) -> None:
        """Pin an adapter and let it go."""
        (await self.hold(digest)).release()

    def is_resident(self, digest: str) -> bool:
        """Find out by a pin, which a test should make its last act with this adapter."""
        pin = self.bank.pin(digest)
        pin.release()
        return pin.loading.done()


async def test_a_cold_adapter_is_loaded_in_the_executor() -> None:
    shelf = Shelf(100)
    pin = shelf.bank.pin("a-10")

    assert not pin.loading.done()
    assert len(shelf.bank) == 0
    shelf.finish("a-10")
    await soon(asyncio.shield(pin.loading))

    assert (len(shelf.bank), shelf.bank.resident_bytes, shelf.bank.loads) == (1, 10, 1)


async def test_a_resident_adapter_is_there_at_once() -> None:
    shelf = Shelf(100)
    first = await shelf.hold("a-10")

    second = shelf.bank.pin("a-10")

    assert second.loading.result().adapter is first.loading.result().adapter
    assert shelf.loaded == ["a-10"]


async def test_whoever_waits_at_once_shares_one_load() -> None:
    shelf = Shelf(100)
    pins = [shelf.bank.pin("a-10") for _ in range(3)]
    shelf.finish("a-10")

    adapters = [(await soon(asyncio.shield(pin.loading))).adapter for pin in pins]

    assert shelf.loaded == ["a-10"]
    assert adapters[0] is adapters[1] is adapters[2]


async def test_a_failed_load_reaches_everybody_who_waits_and_is_tried_again() -> None:
    shelf = Shelf(100)
    shelf.broken.add("a-10")
    pins = [shelf.bank.pin("a-10") for _ in range(2)]
    shelf.finish("a-10")

    for pin in pins:
        with pytest.raises(OSError, match="cannot be read"):
            await soon(asyncio.shield(pin.loading))
        pin.release()
    shelf.broken.clear()
    await shelf.visit("a-10")

    assert shelf.loaded == ["a-10", "a-10"]
    assert (len(shelf.bank), shelf.bank.resident_bytes) == (1, 10)


async def test_a_failed_load_that_nobody_waits_for_any_more_is_silent() -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    shelf = Shelf(100)
    shelf.broken.add("a-10")
    shelf.bank.pin("a-10").release()
    shelf.finish("a-10")

    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not shelf.is_resident("a-10")
    gc.collect()

    assert complaints == []


async def test_an_adapter_whose_caller_left_during_the_load_can_be_evicted() -> None:
    shelf = Shelf(10)
    pin = shelf.bank.pin("a-10")
    pin.release()
    shelf.finish("a-10")
    await soon(asyncio.shield(pin.loading))

    await shelf.visit("b-10")

    assert shelf.bank.evictions == 1
    assert shelf.is_resident("b-10")
    assert not shelf.is_resident("a-10")


async def test_a_load_that_the_shutdown_dropped_is_cancelled_and_forgotten() -> None:
    shelf = Shelf(100)
    pin = shelf.bank.pin("a-10")

    shelf.executor.futures[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.shield(pin.loading)
    pin.release()

    assert (len(shelf.bank), shelf.bank.resident_bytes, shelf.bank.loads) == (0, 0, 0)


async def test_the_least_recently_used_adapter_is_evicted_first() -> None:
    shelf = Shelf(30)
    for digest in ("a-10", "b-10", "c-10", "a-10", "d-10"):
        await shelf.visit(digest)

    assert shelf.bank.resident_bytes == 30
    assert [d for d in ("a-10", "c-10", "d-10", "b-10") if shelf.is_resident(d)] == [
        "a-10",
        "c-10",
        "d-10",
    ]


async def test_a_pinned_adapter_is_never_evicted_even_beyond_the_budget() -> None:
    shelf = Shelf(15)
    pins = [await shelf.hold(digest) for digest in ("a-10", "b-10", "c-10")]

    assert shelf.bank.resident_bytes == 30
    assert shelf.bank.evictions == 0
    for pin in pins:
        pin.release()

    assert shelf.bank.resident_bytes == 10
    assert shelf.is_resident("c-10")


async def test_an_adapter_larger_than_the_budget_lives_while_it_is_used() -> None:
    shelf = Shelf(5)
    pin = await shelf.hold("a-10")

    assert shelf.bank.resident_bytes == 10
    pin.release()

    assert (len(shelf.bank), shelf.bank.resident_bytes) == (0, 0)


async def test_an_adapter_is_evicted_only_when_its_last_pin_is_released() -> None:
    shelf = Shelf(0)
    first, second = await shelf.hold("a-10"), await shelf.hold("a-10")

    first.release()
    assert len(shelf.bank) == 1
    second.release()

    assert len(shelf.bank) == 0


async def test_a_pin_that_is_released_twice_counts_once() -> None:
    shelf = Shelf(0)
    first, second = await shelf.hold("a-10"), await shelf.hold("a-10")

    first.release()
    first.release()

    assert len(shelf.bank) == 1
    second.release()
    assert len(shelf.bank) == 0


async def test_two_loads_that_end_together_do_not_evict_each_other_before_their_use() -> None:
    shelf = Shelf(10)
    pins = [shelf.bank.pin("a-10"), shelf.bank.pin("b-10")]
    shelf.finish("a-10", "b-10")
    await soon(asyncio.gather(*(asyncio.shield(pin.loading) for pin in pins)))

    assert len(shelf.bank) == 2
    assert shelf.loaded == ["a-10", "b-10"]


Steps = st.lists(
    st.tuples(
        st.sampled_from(["pin", "pin", "release", "finish", "break"]),
        st.sampled_from(["a-1", "b-2", "c-4", "d-8", "e-30"]),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(steps=Steps)
def test_bytes_are_counted_once_and_pins_hold_whatever_the_order(
    steps: list[tuple[str, str]],
) -> None:
    asyncio.run(_walk(steps))


async def _walk(steps: list[tuple[str, str]]) -> None:
    shelf = Shelf(9)
    held: list[tuple[str, Pin]] = []
    for action, digest in steps:
        if action == "pin":
            held.append((digest, shelf.bank.pin(digest)))
        elif action == "release" and held:
            held.pop(0)[1].release()
        elif digest in shelf.executor.calls:
            shelf.broken = {digest} if action == "break" else set()
            shelf.finish(digest)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        in_use = {d for d, pin in held if _is_loaded(pin)}
        assert shelf.bank.resident_bytes >= sum(int(d.rpartition("-")[2]) for d in in_use)
        assert shelf.bank.resident_bytes <= 9 or len(in_use) == len(shelf.bank)
    for _, pin in held:
        pin.release()
    shelf.broken.clear()
    shelf.finish(*list(shelf.executor.calls))  # type: ignore[arg-type]  # names of loads
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert shelf.bank.resident_bytes <= 9
    assert (shelf.bank.resident_bytes == 0) == (len(shelf.bank) == 0)


def _is_loaded(pin: Pin) -> bool:
    return pin.loading.done() and pin.loading.exception() is None
