"""Adapters in memory, on a real engine: which weights ran, and what goes on without storage."""

import asyncio
import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from every_kind import HEADS
from kind_service import KindService, kind_service
from multitap_adapters.backbone import Backbone
from multitap_registry.folder import open_registry
from multitap_registry.sql import SqlRegistry
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from multitap_server.engine.mixed_engine import MixedEngine
from multitap_server.engine.opening import running
from multitap_server.engine.settings import EngineSettings
from near_json import assert_same_json
from object_servers import BUCKET, ObjectServer, running_rclone
from postgres_server import PostgresServer
from publishing import publish
from random_adapters import houlsby, random_adapter_bytes, random_spec

TASK: Final = "classification"
CALLERS = 5
STEPS = 10
TEXT = "a good film"
FILE = {"content-type": "application/octet-stream"}


async def test_invariant_5_every_echoed_digest_is_that_of_the_weights_that_ran(
    tiny_backbone: Backbone,
) -> None:
    async with kind_service(tiny_backbone) as service:
        service.publish(TASK, HEADS[TASK], seed=99)
        alone = [await service.answer(f"{TASK}@{number}", TEXT) for number in (1, 2)]
        expected = {answer["digest"]: answer["predictions"] for answer in alone}

        async with asyncio.TaskGroup() as group:
            callers = [group.create_task(move_and_predict(service, n)) for n in range(CALLERS)]

    answers = [answer for caller in callers for answer in caller.result()]
    assert len(expected) == 2
    assert {answer["digest"] for answer in answers} == expected.keys()
    for answer in answers:
        assert_same_json(answer["predictions"], expected[answer["digest"]])


async def move_and_predict(service: KindService, number: int) -> list[dict[str, object]]:
    """Move `live` to and fro, and predict each time, while others do the same."""
    answers: list[dict[str, object]] = []
    for step in range(number, number + STEPS):
        move = {"version": 1 + step % 2}
        moved = await service.client.put(f"/tasks/{TASK}/aliases/live", json=move)
        assert moved.status_code == 200
        answers.append(await service.answer(TASK, TEXT))
    return answers


def adapter(backbone: Backbone, seed: int) -> bytes:
    """Return an adapter that the tiny backbone runs."""
    spec = random_spec(backbone.identity, modules=houlsby(4), head=HEADS[TASK], max_tokens=24)
    return random_adapter_bytes(spec, seed)


@pytest.fixture
def objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[ObjectServer]:
    """Return an object store that can be killed, whose keys are in the environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with running_rclone(tmp_path / "objects") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def shared(tmp_path: Path, database_url: str, objects: ObjectServer) -> Generator[SqlRegistry]:
    """Return a registry in a shared database and an object store."""
    assert objects.process is not None
    url = f"s3://{BUCKET}/resident"
    with (
        open_registry(tmp_path / "registry", database=database_url, blobs=url) as registry,
        registry.follow(),
    ):
        yield registry


@asynccontextmanager
async def served(registry: SqlRegistry, backbone: Backbone) -> AsyncGenerator[httpx.AsyncClient]:
    """Serve a registry with a real engine."""
    engine = MixedEngine(backbone, registry.read_blob, EngineSettings())
    app = create_app(ServerConfig(), registry, engine)
    transport = httpx.ASGITransport(app)
    async with (
        running(engine),
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
    ):
        yield client


async def test_invariant_9_resident_adapters_predict_while_database_and_object_store_are_down(
    shared: SqlRegistry, objects: ObjectServer, postgres: PostgresServer, tiny_backbone: Backbone
) -> None:
    for seed, task in enumerate((TASK, "cold")):
        publish(shared, task, adapter(tiny_backbone, seed))
    body = {"inputs": TEXT}
    async with served(shared, tiny_backbone) as client:
        before = await client.post(f"/predict/{TASK}", json=body)

        postgres.stop()
        objects.kill()
        try:
            during = [await client.post(f"/predict/{TASK}", json=body) for _ in range(3)]
            cold = await client.post("/predict/cold", json=body)
            content = adapter(tiny_backbone, 2)
            refused = await client.post(f"/tasks/{TASK}/versions", content=content, headers=FILE)
            readiness = await client.get("/readyz")
            metrics = (await client.get("/metrics")).text.splitlines()
        finally:
            postgres.start()
            objects.start()
        again = await client.post(f"/tasks/{TASK}/versions", content=content, headers=FILE)
        late = await client.post("/predict/cold", json=body)

    assert before.status_code == 200
    assert [answer.json() for answer in during] == [before.json()] * 3
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert (cold.status_code, cold.json()["code"]) == (503, "unavailable")
    assert (readiness.status_code, readiness.json()["status"]) == (200, "degraded")
    assert any("may not be seen yet" in fault["message"] for fault in readiness.json()["errors"])
    assert "multitap_registry_writable 0.0" in metrics
    assert "multitap_registry_lag_seconds 0.0" not in metrics
    assert (again.status_code, again.json()["version"]) == (201, 2)
    assert late.status_code == 200
