"""An application on a registry in memory and a fake engine, and a client without a network."""

from collections.abc import AsyncGenerator, Callable

import httpx
import pytest
from fastapi import FastAPI

from fake_engine import FakeEngine
from multitap_registry.contract import VersionRecord
from multitap_registry.memory import MemoryRegistry
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from publishing import publish
from sample_adapters import sample_adapter

BASE_URL = "http://127.0.0.1:8000"


@pytest.fixture
def config() -> ServerConfig:
    """Settings small enough to reach their limits."""
    return ServerConfig(
        json_bytes=4_096,
        upload_bytes=65_536,
        rows_per_call=8,
        characters_per_row=400,
        scores_per_call=10,
        json_depth=8,
    )


@pytest.fixture
def registry() -> MemoryRegistry:
    """An empty registry."""
    return MemoryRegistry()


@pytest.fixture
def engine() -> FakeEngine:
    """An engine that answers at once."""
    return FakeEngine()


@pytest.fixture
def app(config: ServerConfig, registry: MemoryRegistry, engine: FakeEngine) -> FastAPI:
    """The application."""
    return create_app(config, registry, engine)


@pytest.fixture
async def client(app: FastAPI) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the application, while it lives."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE_URL) as client,
    ):
        yield client


@pytest.fixture
def publish_task(registry: MemoryRegistry, engine: FakeEngine) -> Callable[..., VersionRecord]:
    """A function that publishes a sample adapter past the server."""
    seeds = iter(range(1_000))

    def publish_sample(task: str, labels: tuple[str, ...] = ("no", "yes")) -> VersionRecord:
        record = publish(registry, task, sample_adapter(next(seeds), labels=labels)).record
        engine.labels[record.digest] = len(labels)
        return record

    return publish_sample
