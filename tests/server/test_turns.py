"""Turns: one at a time, and a new one interrupts those before it."""

import asyncio

import pytest

from multitap_server.turns import Turns


async def hold(
    turns: Turns, key: str, log: list[str], name: str, until: asyncio.Event | None = None
) -> None:
    """Take a turn, and hold it until an event or the next one's interrupt."""
    done = until or asyncio.Event()

    def interrupt() -> None:
        log.append(f"{name} interrupted")
        if until is None:
            done.set()

    async with turns.take(key, interrupt):
        log.append(f"{name} begins")
        await done.wait()
        log.append(f"{name} ends")


async def test_a_new_turn_interrupts_the_one_before_and_waits_for_its_end() -> None:
    turns, log, last = Turns(), list[str](), asyncio.Event()
    last.set()

    await asyncio.gather(hold(turns, "a", log, "1"), hold(turns, "a", log, "2", last))

    assert log == ["1 begins", "1 interrupted", "1 ends", "2 begins", "2 ends"]


async def test_one_that_waits_is_interrupted_too() -> None:
    turns, log, last = Turns(), list[str](), asyncio.Event()
    last.set()

    await asyncio.gather(
        hold(turns, "a", log, "1"), hold(turns, "a", log, "2"), hold(turns, "a", log, "3", last)
    )

    assert "2 interrupted" in log
    assert log[-2:] == ["3 begins", "3 ends"]


async def test_other_things_have_turns_of_their_own() -> None:
    turns, log, end = Turns(), list[str](), asyncio.Event()
    tasks = [asyncio.create_task(hold(turns, key, log, key, end)) for key in ("a", "b")]
    await asyncio.sleep(0)

    assert log == ["a begins", "b begins"]
    end.set()
    await asyncio.gather(*tasks)


async def test_a_turn_that_is_given_up_while_it_waits_lets_nobody_in() -> None:
    turns, log, end = Turns(), list[str](), asyncio.Event()
    first = asyncio.create_task(hold(turns, "a", log, "1", end))
    await asyncio.sleep(0)
    second = asyncio.create_task(hold(turns, "a", log, "2"))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    third = asyncio.create_task(hold(turns, "a", log, "3", end))
    await asyncio.sleep(0)

    assert log == ["1 begins", "1 interrupted", "1 interrupted"]
    end.set()
    await asyncio.gather(first, third)
    assert log[3:] == ["1 ends", "3 begins", "3 ends"]


async def test_a_turn_that_fails_makes_room() -> None:
    turns = Turns()
    for _ in range(2):
        with pytest.raises(KeyError):
            async with turns.take("a", lambda: None):
                raise KeyError
