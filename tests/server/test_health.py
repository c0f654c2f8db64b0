"""/livez, /readyz, /metrics and the access log."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from fake_engine import FakeEngine
from multitap_registry.errors import StorageFull, StorageUnavailable
from multitap_registry.memory import MemoryRegistry
from multitap_server.engine.errors import EngineStopped
from problem_reading import read_code, read_faults


async def test_a_server_that_answers_is_alive(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    engine.stopped = EngineStopped("the worker died")

    assert (await client.get("/livez")).json() == {"status": "alive"}


async def test_a_server_that_can_work_is_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/readyz")).json() == {"status": "ready"}


async def test_a_dead_worker_is_not_ready(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.stopped = EngineStopped("the worker died")

    assert read_code(await client.get("/readyz")) == (503, "unavailable")


async def test_a_server_without_its_registry_is_degraded_and_keeps_its_traffic(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    registry.failure = StorageUnavailable("the disk failed")
    response = await client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {
        "status": "degraded",
        "errors": [{"at": "registry", "message": "the disk failed"}],
    }


async def test_a_server_that_may_have_missed_changes_says_since_when(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    registry.lagging_since = datetime(2026, 11, 24, 12, 30, 5, tzinfo=UTC)
    [fault] = (await client.get("/readyz")).json()["errors"]

    assert fault["at"] == "registry"
    assert "2026-11-24T12:30:05Z" in fault["message"]


async def test_a_server_that_is_not_ready_says_why_of_every_part(
    client: httpx.AsyncClient, registry: MemoryRegistry, engine: FakeEngine
) -> None:
    engine.stopped = EngineStopped("the worker died")
    registry.failure = StorageFull("no space is left")
    response = await client.get("/readyz")

    assert read_code(response) == (503, "unavailable")
    assert read_faults(response) == [
        ("engine", "the worker died"),
        ("registry", "no space is left"),
    ]


async def metrics(client: httpx.AsyncClient) -> list[str]:
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return response.text.splitlines()


async def test_requests_are_counted_by_template_and_status(
    client: httpx.AsyncClient, publish_task: Callable[..., object]
) -> None:
    publish_task("mood")
    for name in ("mood", "mood", "nothing"):
        await client.get(f"/tasks/{name}")
    lines = await metrics(client)

    label = 'method="GET",route="/tasks/{task}"'
    assert f'multitap_requests_total{{{label},status="200"}} 2.0' in lines
    assert f'multitap_requests_total{{{label},status="404"}} 1.0' in lines
    assert f"multitap_request_seconds_count{{{label}}} 3.0" in lines


async def test_what_clients_choose_freely_is_no_label(client: httpx.AsyncClient) -> None:
    await client.request("BREW", "/coffee-pot")
    lines = await metrics(client)

    assert 'multitap_requests_total{method="other",route="unmatched",status="404"} 1.0' in lines
    assert not [line for line in lines if "coffee" in line or "BREW" in line]


async def test_predicted_rows_are_counted_by_kind(
    client: httpx.AsyncClient, publish_task: Callable[..., object]
) -> None:
    publish_task("mood")
    await client.post("/predict/mood", json={"inputs": ["x", "y"]})

    assert 'multitap_predicted_rows_total{kind="classification"} 2.0' in await metrics(client)


async def test_the_engines_statistics_are_shown(
    client: httpx.AsyncClient, publish_task: Callable[..., object]
) -> None:
    publish_task("mood")
    await client.post("/predict/mood", json={"inputs": ["x", "y"]})
    lines = await metrics(client)

    assert "multitap_forward_passes_total 1.0" in lines
    assert "multitap_rows_total 2.0" in lines
    assert "multitap_adapter_loads_total 2.0" in lines
    assert "multitap_resident_bytes 3.0" in lines


async def test_the_number_of_the_newest_event_is_shown(
    client: httpx.AsyncClient, publish_task: Callable[..., object]
) -> None:
    assert "multitap_last_event 0.0" in await metrics(client)
    publish_task("mood")

    assert "multitap_last_event 2.0" in await metrics(client)


async def test_lag_and_reach_of_the_registry_are_shown(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    before = await metrics(client)
    await client.get("/readyz")
    well = await metrics(client)
    registry.failure = StorageUnavailable("the disk failed")
    registry.lagging_since = datetime.now(UTC) - timedelta(minutes=5)
    await client.get("/readyz")
    ill = await metrics(client)

    assert not [line for line in before if line.startswith("multitap_registry_writable")]
    assert {"multitap_registry_writable 1.0", "multitap_registry_lag_seconds 0.0"} <= set(well)
    assert "multitap_registry_writable 0.0" in ill
    [lag] = [line for line in ill if line.startswith("multitap_registry_lag_seconds")]
    assert 300 <= float(lag.split()[1]) < 400


async def test_one_line_is_logged_for_every_request(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="multitap.access")
    await client.get("/tasks/nothing?q=secret", headers={"x-request-id": "trace-7"})

    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("GET /tasks/{task} 422 ")
    assert line.endswith(" ms trace-7")
