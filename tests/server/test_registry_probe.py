"""Asking the registry: one question at a time, with patience, and never without an answer."""

import asyncio
import threading
from collections.abc import Generator

import pytest

from multitap_registry.errors import StorageFull
from multitap_registry.memory import MemoryRegistry
from multitap_server.registry_probe import RegistryProbe
from multitap_server.threads import Threads


class HeldRegistry(MemoryRegistry):
    """Answers no question before the gate is open, and counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.questions = 0

    def check(self) -> None:
        """Wait."""
        self.questions += 1
        assert self.gate.wait(timeout=30)
        super().check()


class FaultyRegistry(MemoryRegistry):
    """Has a mistake of its own."""

    def check(self) -> None:
        """Make it."""
        raise ZeroDivisionError


@pytest.fixture
def threads() -> Generator[Threads]:
    pool = Threads("test", workers=2, waiting=0)
    yield pool
    pool.close()


async def test_a_registry_that_can_be_written_has_no_fault(threads: Threads) -> None:
    probe = RegistryProbe(MemoryRegistry(), threads)

    assert probe.writable is None
    assert await probe.ask() is None
    assert probe.writable is True


async def test_a_registry_that_cannot_be_written_says_why(threads: Threads) -> None:
    registry = MemoryRegistry()
    registry.failure = StorageFull("no space is left")
    probe = RegistryProbe(registry, threads)

    assert await probe.ask() == "no space is left"
    assert probe.writable is False


async def test_a_registry_that_does_not_answer_is_told_in_time_and_asked_once(
    threads: Threads,
) -> None:
    registry = HeldRegistry()
    probe = RegistryProbe(registry, threads, patience_s=0.01)
    answers = [await probe.ask() for _ in range(5)]
    together = await asyncio.gather(*(probe.ask() for _ in range(5)))
    registry.gate.set()
    patient = RegistryProbe(registry, threads, patience_s=30)

    assert {*answers, *together} == {"no answer within 0.01 s, still asking"}
    assert registry.questions == 1
    assert probe.writable is False
    assert await patient.ask() is None


async def test_an_answer_that_came_late_is_not_told_to_those_who_ask_later(
    threads: Threads,
) -> None:
    registry = HeldRegistry()
    registry.failure = StorageFull("no space is left")
    probe = RegistryProbe(registry, threads, patience_s=0.01)
    await probe.ask()
    registry.gate.set()
    registry.failure = None
    while await probe.ask() is not None:
        pass

    assert probe.writable is True


async def test_a_mistake_of_ours_is_logged_and_told_without_its_details(
    threads: Threads, caplog: pytest.LogCaptureFixture
) -> None:
    probe = RegistryProbe(FaultyRegistry(), threads)

    assert await probe.ask() == "the registry could not be asked; see the log"
    assert "ZeroDivisionError" in caplog.text
