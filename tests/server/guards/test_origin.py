"""Only the server's own Host, and no foreign Origin."""

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from http_exchange import HOST, exchange
from problem_reading import read_code


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
