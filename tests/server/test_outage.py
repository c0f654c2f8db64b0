"""A server whose database and store are away: what is in memory is served, the rest says so."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from multitap_adapters.backbone import Backbone
from multitap_registry.folder import open_registry
from multitap_registry.following import Follower
from multitap_registry.sql import SqlRegistry
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from multitap_server.engine.mixed_engine import MixedEngine
from multitap_server.engine.opening import running
from multitap_server.engine.settings import EngineSettings
from postgres_server import PostgresServer
from problem_reading import read_code
from publishing import publish
from random_adapters import houlsby, random_adapter_bytes, random_spec

TEXT = {"inputs": "a quiet evening"}
# The test looks by itself.
NEVER_S = 3_600.0


@dataclass(frozen=True)
class Replica:
    """A server that shares a database with others."""

    client: httpx.AsyncClient
    registry: SqlRegistry
    follower: Follower

    async def predict(self, reference: str) -> httpx.Response:
        return await self.client.post(f"/predict/{reference}", json=TEXT)


@asynccontextmanager
async def replica(folder: Path, url: str, backbone: Backbone) -> AsyncGenerator[Replica]:
    """Serve a folder with a shared database, on a real engine."""
    with open_registry(folder, database=url) as registry:
        engine = MixedEngine(backbone, registry.read_blob, EngineSettings())
        app = create_app(ServerConfig(), registry, engine)
        with registry.follow(interval_s=NEVER_S) as follower:
            async with (
                running(engine),
                app.router.lifespan_context(app),
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000"
                ) as client,
            ):
                yield Replica(client, registry, follower)


@contextmanager
def away(postgres: PostgresServer, blobs: Path) -> Generator[None]:
    """Take the database and every blob away."""
    elsewhere = blobs.with_name("elsewhere")
    postgres.stop()
    # No folder is made where a file is.
    blobs.rename(elsewhere)
    blobs.touch()
    try:
        yield
    finally:
        blobs.unlink()
        elsewhere.rename(blobs)
        postgres.start()


async def test_invariant_9_resident_adapters_answer_while_database_and_store_are_away(
    postgres: PostgresServer, database_url: str, tmp_path: Path, tiny_backbone: Backbone
) -> None:
    spec = random_spec(tiny_backbone.identity, modules=houlsby(4))
    other = random_adapter_bytes(spec, 7)
    async with replica(tmp_path / "ours", database_url, tiny_backbone) as server:
        for seed, task in enumerate(("warm", "cold")):
            publish(server.registry, task, random_adapter_bytes(spec, seed))
        well = await server.predict("warm")
        with away(postgres, tmp_path / "ours" / "blobs"):
            server.follower.look()
            during = await server.predict("warm")
            pinned = await server.predict("warm@1")
            cold = await server.predict("cold")
            readiness = await server.client.get("/readyz")
            metrics = (await server.client.get("/metrics")).text.splitlines()
            upload = await server.client.post(
                "/tasks/warm/versions",
                content=other,
                headers={"content-type": "application/octet-stream"},
            )
        server.follower.look()
        after = await server.client.get("/readyz")
        late = await server.predict("cold")

    assert well.status_code == during.status_code == pinned.status_code == 200
    assert during.json()["predictions"] == well.json()["predictions"]
    assert during.json()["digest"] == well.json()["digest"]
    assert read_code(cold) == (503, "unavailable")
    assert (readiness.status_code, readiness.json()["status"]) == (200, "degraded")
    assert any("may not be seen yet" in error["message"] for error in readiness.json()["errors"])
    assert "multitap_registry_writable 0.0" in metrics
    assert "multitap_registry_lag_seconds 0.0" not in metrics
    assert upload.status_code == 503
    assert after.json() == {"status": "ready"}
    assert late.status_code == 200
