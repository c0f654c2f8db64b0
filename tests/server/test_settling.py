"""Waiting for the engine: done, late, or for nobody."""

import asyncio

import pytest

from multitap_server.deadline import Deadline
from multitap_server.engine.contract import Output
from multitap_server.engine.errors import DeadlineExceeded
from multitap_server.errors import ClientGone
from multitap_server.settling import outcome_error, release, settle


def new_future() -> "asyncio.Future[list[Output]]":
    return asyncio.get_running_loop().create_future()


def within(timeout_s: float) -> Deadline:
    return Deadline.after(timeout_s, since_s=asyncio.get_running_loop().time())


async def stays() -> None:
    await asyncio.Event().wait()


async def leaves() -> None:
    """Return at once."""


async def test_nothing_to_wait_for_is_done_at_once() -> None:
    await settle([], within(60), stays)


async def test_waiting_ends_with_the_last_future() -> None:
    first, second = new_future(), new_future()
    first.set_result([])
    task = asyncio.ensure_future(settle([first, second], within(60), stays))
    done, _ = await asyncio.wait({task}, timeout=0.1)
    assert not done
    second.set_result([])

    await asyncio.wait_for(task, 5)


async def test_waiting_ends_with_the_deadline() -> None:
    late = new_future()
    await settle([late], within(0.08), stays)

    assert isinstance(outcome_error(late, within(0.08)), DeadlineExceeded)


async def test_a_deadline_that_has_passed_is_not_waited_for() -> None:
    await settle([new_future()], within(-1), stays)


async def test_waiting_ends_where_nobody_waits() -> None:
    with pytest.raises(ClientGone):
        await settle([new_future()], within(60), leaves)


async def test_the_error_of_a_future_is_its_outcome() -> None:
    failed = new_future()
    failed.set_exception(RuntimeError("worker lost"))

    assert isinstance(outcome_error(failed, within(60)), RuntimeError)


async def test_a_released_future_is_cancelled_if_it_is_open() -> None:
    pending, failed = new_future(), new_future()
    failed.set_exception(RuntimeError("worker lost"))
    for future in (pending, failed):
        release(future)

    assert pending.cancelled()
    assert failed.exception() is not None
