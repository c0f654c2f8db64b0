"""Only the server's own Host, and no foreign Origin."""

from collections.abc import AsyncGenerator

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from fake_engine import FakeEngine
from http_exchange import HOST, exchange
from multitap_registry.memory import MemoryRegistry
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from problem_reading import read_code

BASE_URL = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST:8000", "[::1]:8000"]
)
async def test_the_servers_own_names_are_taken(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/livez", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1",
        "127.0.0.1:8001",
        "localhost:80",
        "localhost.evil.example:8000",
        "127.0.0.1:8000@evil.example",
        "[::1]",
        "",
        "127.0.0.1:8000, evil.example",
    ],
)
async def test_another_host_is_forbidden(client: httpx.AsyncClient, host: str) -> None:
    response = await client.get("/livez", headers={"host": host})

    assert read_code(response) == (403, "forbidden")


@pytest.mark.parametrize(
    "headers", [[], [HOST, HOST], [HOST, (b"host", b"evil.example")]], ids=["none", "two", "mixed"]
)
async def test_a_missing_or_repeated_host_is_forbidden(
    app: ASGIApp, headers: list[tuple[bytes, bytes]]
) -> None:
    start, _ = await exchange(app, "/livez", [], headers=headers, method="GET")

    assert start["status"] == 403


async def test_a_host_without_a_port_is_taken_on_port_80_only(app: ASGIApp) -> None:
    async def on_port_80(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "server": ("127.0.0.1", 80)}, receive, send)

    headers = [(b"host", b"localhost")]
    start, _ = await exchange(on_port_80, "/livez", [], headers=headers, method="GET")

    assert start["status"] == 200


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8000", "http://localhost:8000"])
async def test_the_servers_own_origin_is_taken(client: httpx.AsyncClient, origin: str) -> None:
    assert (await client.get("/livez", headers={"origin": origin})).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://evil.example",
        "https://127.0.0.1:8000",
        "http://127.0.0.1:8001",
        "http://127.0.0.1:8000.evil.example",
        "127.0.0.1:8000",
        "",
    ],
)
async def test_a_foreign_origin_is_forbidden(client: httpx.AsyncClient, origin: str) -> None:
    response = await client.post("/predict/mood", json={"inputs": "x"}, headers={"origin": origin})

    assert read_code(response) == (403, "forbidden")


async def test_routes_that_do_not_exist_are_guarded_as_well(client: httpx.AsyncClient) -> None:
    response = await client.get("/nothing", headers={"host": "evil.example"})

    assert read_code(response) == (403, "forbidden")


@pytest.fixture
async def published(
    registry: MemoryRegistry, engine: FakeEngine
) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of a server in a container, whose port 8000 is published as any other."""
    config = ServerConfig(
        host="0.0.0.0",  # noqa: S104 (nothing is bound)
        allow_unauthenticated=True,
        allowed_hosts=("multitap", "10.0.0.5"),
    )
    app = create_app(config, registry, engine)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE_URL) as client,
    ):
        yield client


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8000",
        "localhost:9000",
        "[::1]:9000",
        "localhost",
        "multitap:8000",
        "MULTITAP",
        "10.0.0.5:80",
    ],
)
async def test_a_published_port_may_be_any(published: httpx.AsyncClient, host: str) -> None:
    assert (await published.get("/livez", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example:8000",
        "127.0.0.1:8000@evil.example",
        "10.0.0.6:8000",
        "multitap:port",
        "multitap:8000:8000",
        "",
    ],
)
async def test_rebinding_is_refused_on_a_published_port(
    published: httpx.AsyncClient, host: str
) -> None:
    response = await published.get("/livez", headers={"host": host})

    assert read_code(response) == (403, "forbidden")


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:9000", "http://localhost:9000"),
        ("localhost:9000", "http://127.0.0.1:9000"),
        ("localhost:8000", "http://localhost:8000"),
        ("multitap", "https://multitap"),
    ],
)
async def test_an_origin_of_the_same_port_is_taken(
    published: httpx.AsyncClient, host: str, origin: str
) -> None:
    headers = {"host": host, "origin": origin}

    assert (await published.get("/livez", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:9000", "http://localhost:8000"),
        ("localhost:9000", "http://localhost"),
        ("multitap", "https://evil.example"),
        ("multitap", "ftp://multitap"),
        ("multitap:8000", "null"),
    ],
)
async def test_an_origin_of_another_port_or_place_is_forbidden(
    published: httpx.AsyncClient, host: str, origin: str
) -> None:
    response = await published.get("/livez", headers={"host": host, "origin": origin})

    assert read_code(response) == (403, "forbidden")
