"""Predictions while aliases move and versions are deleted: answered or refused, never mixed up."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from fake_engine import FakeEngine
from multitap_registry.contract import VersionRecord
from multitap_registry.errors import CorruptBlob
from multitap_registry.memory import MemoryRegistry
from multitap_server.engine.errors import AdapterUnavailable
from problem_reading import read_code

Publish = Callable[..., VersionRecord]


async def start(
    client: httpx.AsyncClient, engine: FakeEngine, reference: str
) -> "asyncio.Task[httpx.Response]":
    """Send a prediction; return once its rows are queued."""
    engine.held = True
    call = asyncio.create_task(client.post(f"/predict/{reference}", json={"inputs": "x"}))
    await engine.queued.wait()
    return call


def lost(digest: str) -> AdapterUnavailable:
    """Return what the engine says of an adapter whose bytes are gone."""
    error = AdapterUnavailable(digest, "its bytes are gone")
    error.__cause__ = CorruptBlob(digest, None)
    return error


@pytest.fixture
def records(publish_task: Publish) -> list[VersionRecord]:
    return [publish_task("mood") for _ in range(2)]


async def test_a_moved_alias_is_served_by_the_next_call(
    client: httpx.AsyncClient, registry: MemoryRegistry, records: list[VersionRecord]
) -> None:
    served: list[str] = []
    for target in (2, 1, 2):
        registry.point("mood", "live", target, by="ann")
        served.append((await client.post("/predict/mood", json={"inputs": "x"})).json()["digest"])

    assert served == [records[number].digest for number in (1, 0, 1)]


async def test_rows_in_flight_are_answered_by_the_version_they_were_sent_to(
    client: httpx.AsyncClient,
    registry: MemoryRegistry,
    engine: FakeEngine,
    records: list[VersionRecord],
) -> None:
    call = await start(client, engine, "mood")
    registry.point("mood", "live", 2, by="ann")
    registry.delete_version("mood", 1, by="ann")
    engine.release()
    answer = (await call).json()

    assert (answer["version"], answer["digest"]) == (1, records[0].digest)


@pytest.mark.parametrize("whole", [False, True])
async def test_rows_whose_adapter_went_with_its_version_are_refused(
    client: httpx.AsyncClient,
    registry: MemoryRegistry,
    engine: FakeEngine,
    records: list[VersionRecord],
    *,
    whole: bool,
) -> None:
    engine.result_errors[records[1].digest] = lost(records[1].digest)
    call = await start(client, engine, "mood@2")
    if whole:
        registry.delete_task("mood", by="ann", force=True)
    else:
        registry.delete_version("mood", 2, by="ann")
    engine.release()
    code = "task_not_found" if whole else "version_not_found"

    assert read_code(await call) == (404, code)


async def test_an_adapter_that_is_lost_without_a_deletion_is_the_servers_fault(
    client: httpx.AsyncClient, engine: FakeEngine, records: list[VersionRecord]
) -> None:
    engine.result_errors[records[0].digest] = lost(records[0].digest)
    response = await client.post("/predict/mood", json={"inputs": "x"})

    assert read_code(response) == (500, "corrupt_blob")


async def test_a_part_whose_version_was_deleted_leaves_the_others_alone(
    client: httpx.AsyncClient,
    registry: MemoryRegistry,
    engine: FakeEngine,
    records: list[VersionRecord],
) -> None:
    engine.result_errors[records[1].digest] = lost(records[1].digest)
    engine.held = True
    body = {"tasks": ["mood@1", "mood@2"], "inputs": "x"}
    call = asyncio.create_task(client.post("/predict", json=body))
    await engine.queued.wait()
    registry.delete_version("mood", 2, by="ann")
    engine.release()
    first, second = (await call).json()["results"]

    assert first["version"] == 1
    assert second["problem"]["code"] == "version_not_found"
