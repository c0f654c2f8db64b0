"""Predictions resolve their reference from memory: the database is not asked, and may be away."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import httpx
import pytest

from fake_engine import FakeEngine
from multitap_registry.folder import open_registry
from multitap_registry.sql import SqlRegistry
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from publishing import publish
from reliability.statements import counted_statements
from sample_adapters import sample_adapter


@pytest.fixture
def stored(tmp_path: Path) -> Generator[SqlRegistry]:
    """Return a registry on a disk, with one task."""
    with open_registry(tmp_path / "registry") as registry:
        publish(registry, "mood", sample_adapter(1))
        yield registry


@pytest.fixture
async def client(stored: SqlRegistry) -> AsyncGenerator[httpx.AsyncClient]:
    """Return a client of a server on that registry."""
    app = create_app(ServerConfig(), stored, FakeEngine())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
    ):
        yield client


@pytest.mark.parametrize("reference", ["mood", "mood@live", "mood@1"])
async def test_a_prediction_asks_the_database_nothing(
    client: httpx.AsyncClient, reference: str
) -> None:
    with counted_statements() as statements:
        answer = await client.post(f"/predict/{reference}", json={"inputs": "a b"})

    assert answer.status_code == 200
    assert statements == []


async def test_the_count_sees_what_others_ask(client: httpx.AsyncClient) -> None:
    with counted_statements() as statements:
        await client.get("/tasks/mood/aliases/live/history")

    assert statements != []
