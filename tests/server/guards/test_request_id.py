"""Every response returns the id of its request."""

import httpx
import pytest


async def test_a_sane_id_is_taken_and_returned(client: httpx.AsyncClient) -> None:
    response = await client.get("/livez", headers={"x-request-id": "trace-7f.3"})

    assert response.headers["x-request-id"] == "trace-7f.3"


async def test_an_id_is_made_where_none_was_sent(client: httpx.AsyncClient) -> None:
    first = await client.get("/livez")
    second = await client.get("/livez")

    assert len(first.headers["x-request-id"]) == 32
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


@pytest.mark.parametrize("given", ["", "x" * 129, "two words", 'quote"', "a\u00e9"])
async def test_an_id_that_is_not_sane_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    response = await client.get("/livez", headers={b"x-request-id": given.encode("latin-1")})

    assert len(response.headers["x-request-id"]) == 32


async def test_two_ids_are_replaced_by_one(client: httpx.AsyncClient) -> None:
    headers = [("x-request-id", "a"), ("x-request-id", "b")]
    response = await client.get("/livez", headers=headers)

    assert response.headers.get_list("x-request-id") not in (["a"], ["b"], ["a", "b"])


async def test_errors_return_the_id_as_well(client: httpx.AsyncClient) -> None:
    headers = {"x-request-id": "abc", "host": "evil.example"}
    refused = await client.get("/livez", headers=headers)
    missing = await client.get("/nothing", headers={"x-request-id": "abc"})

    assert refused.headers["x-request-id"] == refused.json()["request_id"] == "abc"
    assert missing.headers["x-request-id"] == missing.json()["request_id"] == "abc"
