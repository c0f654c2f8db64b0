"""The OpenAPI document: complete, current, and shown to people without help from elsewhere.

``MULTITAP_WRITE_OPENAPI=1 python -m pytest tests/server/test_openapi.py`` writes docs/openapi.json.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fake_engine import FakeEngine
from multitap_registry.memory import MemoryRegistry
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from multitap_server.problems import CODES, EXCEPTIONS

SNAPSHOT = Path(__file__).parents[2] / "docs" / "openapi.json"


@pytest.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    response = await client.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    found: dict[str, Any] = response.json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def test_the_snapshot_is_current(document: dict[str, Any]) -> None:
    text = f"{json.dumps(document, indent=1, ensure_ascii=False)}\n"
    if os.environ.get("MULTITAP_WRITE_OPENAPI"):
        SNAPSHOT.write_text(text, encoding="utf-8")

    assert SNAPSHOT.read_text(encoding="utf-8") == text


async def test_it_does_not_depend_on_settings(document: dict[str, Any]) -> None:
    app = create_app(ServerConfig(port=1, rows_per_call=3), MemoryRegistry(), FakeEngine())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:1"
    ) as client:
        assert (await client.get("/openapi.json")).json() == document


async def test_it_lists_every_route_of_the_contract(document: dict[str, Any]) -> None:
    assert {name for name, _ in operations(document)} == {
        "post /predict",
        "post /predict/{reference}",
        "get /tasks",
        "get /tasks/{task}",
        "delete /tasks/{task}",
        "put /tasks/{task}/aliases/{alias}",
        "delete /tasks/{task}/aliases/{alias}",
        "get /tasks/{task}/aliases/{alias}/history",
        "post /tasks/{task}/aliases/{alias}/rollback",
        "get /tasks/{task}/versions",
        "post /tasks/{task}/versions",
        "get /tasks/{task}/versions/{version}",
        "delete /tasks/{task}/versions/{version}",
        "get /tasks/{task}/versions/{version}/file",
        "put /tasks/{task}/versions/{version}/tags/{tag}",
        "delete /tasks/{task}/versions/{version}/tags/{tag}",
        "get /events",
        "get /audit",
        "post /uploads",
        "get /uploads/{upload}",
        "head /uploads/{upload}",
        "patch /uploads/{upload}",
        "delete /uploads/{upload}",
        "get /livez",
        "get /readyz",
        "get /metrics",
    }


async def test_every_failure_is_declared_as_a_problem(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        failures = {
            status: response
            for status, response in operation["responses"].items()
            if int(status) >= 400
        }
        assert {"403", "422", "500"} <= failures.keys(), name
        for response in failures.values():
            assert list(response["content"]) == ["application/problem+json"], name


async def test_every_code_that_is_due_is_declared_somewhere(document: dict[str, Any]) -> None:
    descriptions = [
        response["description"]
        for _, operation in operations(document)
        for response in operation["responses"].values()
    ]
    declared = set(re.findall(r"`([a-z_]+)`:", " ".join(descriptions)))
    by_routing = {"not_found", "method_not_allowed"}

    assert declared == set(EXCEPTIONS.values()) - by_routing
    assert declared <= set(CODES)


async def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))

    assert references == set(schemas)


async def test_the_page_for_people_names_every_route_and_loads_nothing(
    client: httpx.AsyncClient, document: dict[str, Any]
) -> None:
    response = await client.get("/docs")

    for path in document["paths"]:
        assert path in response.text
    assert "<script" not in response.text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', response.text)
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_the_frameworks_own_pages_are_off(app: FastAPI) -> None:
    assert app.openapi_url is None
