"""Versions: published with POST, listed, shown and downloaded."""

import hashlib
from collections.abc import Callable
from typing import get_args

import httpx
import pytest
from fastapi import FastAPI

from every_kind import HEADS
from fake_engine import FakeEngine
from http_exchange import CHUNKED, HOST, exchange
from multitap.wire import Version, VersionList
from multitap_adapters.spec import AdapterSpec, HeadKind
from multitap_registry.contract import VersionRecord
from multitap_registry.errors import StorageFull, TaskNotFound
from multitap_registry.memory import MemoryRegistry
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from multitap_server.engine.errors import UnsupportedAdapter
from problem_reading import read_code, read_faults
from sample_adapters import SAMPLE_BACKBONE, random_file, sample_adapter, sample_spec

Publish = Callable[..., VersionRecord]
FILE = {"content-type": "application/octet-stream"}
FOREIGN = SAMPLE_BACKBONE.model_copy(update={"config_digest": "sha256:" + "e" * 64})


async def push(
    client: httpx.AsyncClient,
    content: bytes,
    path: str = "/tasks/mood/versions",
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    return await client.post(path, content=content, headers=FILE if headers is None else headers)


def is_empty(registry: MemoryRegistry) -> bool:
    try:
        registry.task("mood")
    except TaskNotFound:
        return True
    return False


async def test_a_publish_answers_created_with_the_version_and_its_place(
    client: httpx.AsyncClient,
) -> None:
    content = sample_adapter()
    response = await push(client, content)
    version = Version.model_validate_json(response.content)

    assert response.status_code == 201
    assert response.headers["location"] == "/tasks/mood/versions/1"
    assert version.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert (version.size_bytes, version.aliases) == (len(content), ["live"])
    assert (version.state, version.servable) == ("ready", True)


async def test_the_location_of_a_publish_is_the_version(client: httpx.AsyncClient) -> None:
    published = await push(client, sample_adapter())
    shown = await client.get(published.headers["location"])

    assert shown.json() == published.json()


async def test_a_published_version_predicts_at_once(client: httpx.AsyncClient) -> None:
    digest = (await push(client, sample_adapter())).json()["digest"]
    answer = await client.post("/predict/mood", json={"inputs": "x"})

    assert answer.json()["digest"] == digest


async def test_the_same_bytes_again_give_the_version_that_exists(
    client: httpx.AsyncClient,
) -> None:
    first = await push(client, sample_adapter())
    again = await push(client, sample_adapter())

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]


async def test_an_alias_moves_with_new_bytes_and_with_old_ones(client: httpx.AsyncClient) -> None:
    path = "/tasks/mood/versions?alias=candidate"
    await push(client, sample_adapter(0), path)
    new = await push(client, sample_adapter(1), path)
    old = await push(client, sample_adapter(0), path)

    assert new.json()["aliases"] == ["candidate"]
    assert set(old.json()["aliases"]) == {"live", "candidate"}


async def test_the_other_content_type_is_taken_too(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/vnd.safetensors"}

    assert (await push(client, sample_adapter(), headers=headers)).status_code == 201


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}])
async def test_another_content_type_is_unsupported(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    response = await push(client, sample_adapter(), headers=headers)

    assert read_code(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/tasks/Bad!/versions", "task"),
        ("/tasks/mood/versions?alias=Bad!", "alias"),
        ("/tasks/mood/versions?alias=", "alias"),
        ("/tasks/mood/versions?aliaz=x", "query.aliaz"),
    ],
)
async def test_names_are_checked_before_anything_is_staged(
    client: httpx.AsyncClient, registry: MemoryRegistry, path: str, place: str
) -> None:
    registry.failure = StorageFull("no space left")
    response = await push(client, sample_adapter(), path)

    assert read_code(response) == (422, "invalid_request")
    assert [at for at, _ in read_faults(response)] == [place]


@pytest.mark.parametrize("content", [b"", b"no adapter", sample_adapter()[:-1]])
async def test_bytes_that_are_no_adapter_are_refused_with_their_faults(
    client: httpx.AsyncClient, registry: MemoryRegistry, content: bytes
) -> None:
    response = await push(client, content)

    assert read_code(response) == (422, "invalid_adapter")
    assert read_faults(response)
    assert is_empty(registry)


async def test_an_adapter_for_another_backbone_is_a_conflict(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    spec = sample_spec(backbone=FOREIGN.model_copy(update={"digest": "sha256:" + "d" * 64}))
    response = await push(client, random_file(spec))

    assert read_code(response) == (409, "backbone_mismatch")
    assert is_empty(registry)


async def test_an_adapter_that_the_engine_cannot_run_is_refused(
    client: httpx.AsyncClient, registry: MemoryRegistry, engine: FakeEngine
) -> None:
    engine.unsupported = UnsupportedAdapter("method 'lora' does not run here")
    response = await push(client, sample_adapter())

    assert read_code(response) == (422, "invalid_adapter")
    assert read_faults(response) == [("spec", "method 'lora' does not run here")]
    assert is_empty(registry)


@pytest.mark.parametrize("kind", get_args(HeadKind))
async def test_every_kind_of_task_is_published(client: httpx.AsyncClient, kind: HeadKind) -> None:
    spec = AdapterSpec(backbone=SAMPLE_BACKBONE, max_tokens=32, head=HEADS[kind])
    response = await push(client, random_file(spec))

    assert response.status_code == 201
    assert response.json()["kind"] == kind


async def test_a_canary_runs_before_a_version_is_published(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    digest = (await push(client, sample_adapter())).json()["digest"]

    assert engine.checked == [digest]


async def test_an_upload_beyond_the_limit_is_too_large(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    response = await push(client, b"x" * 65_537)

    assert read_code(response) == (413, "too_large")
    assert is_empty(registry)


async def test_an_upload_may_be_larger_than_a_json_body(client: httpx.AsyncClient) -> None:
    labels = tuple(f"label-{index}" for index in range(200))
    content = sample_adapter(labels=labels)

    assert len(content) > 4_096
    assert (await push(client, content)).status_code == 201


async def test_a_limit_of_the_registry_holds_as_well(
    config: ServerConfig, engine: FakeEngine
) -> None:
    app = create_app(config, MemoryRegistry(max_upload_bytes=100), engine)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        response = await push(client, sample_adapter())

    assert read_code(response) == (413, "too_large")


async def test_a_full_disk_is_storage_full(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    registry.failure = StorageFull("no space left")

    assert read_code(await push(client, sample_adapter())) == (507, "storage_full")


async def test_a_body_that_is_cut_off_leaves_nothing(
    app: FastAPI, registry: MemoryRegistry
) -> None:
    content = sample_adapter()
    sent = await exchange(
        app,
        "/tasks/mood/versions",
        [
            {"type": "http.request", "body": content[:100], "more_body": True},
            {"type": "http.disconnect"},
        ],
        headers=[HOST, (b"content-type", b"application/octet-stream"), CHUNKED],
    )

    assert sent == []
    assert is_empty(registry)


@pytest.fixture
def records(publish_task: Publish) -> list[VersionRecord]:
    return [publish_task("mood") for _ in range(3)]


@pytest.mark.usefixtures("records")
async def test_versions_are_listed_newest_first_in_pages(client: httpx.AsyncClient) -> None:
    path = "/tasks/mood/versions"
    first = VersionList.model_validate_json((await client.get(f"{path}?limit=2")).content)
    second = await client.get(f"{path}?limit=2&after={first.next}")

    assert [version.version for version in first.versions] == [3, 2]
    assert [version["version"] for version in second.json()["versions"]] == [1]
    assert second.json()["next"] is None


@pytest.mark.usefixtures("records")
async def test_versions_are_found_by_a_tag(client: httpx.AsyncClient) -> None:
    await client.put("/tasks/mood/versions/2/tags/good")
    listed = await client.get("/tasks/mood/versions?tag=good")

    assert [version["version"] for version in listed.json()["versions"]] == [2]
    assert (await client.get("/tasks/mood/versions?tag=B%C3%A4d")).json()["versions"] == []


@pytest.mark.usefixtures("records")
async def test_a_deleted_version_is_never_served(client: httpx.AsyncClient) -> None:
    response = await client.delete("/tasks/mood/versions/2?reason=leaked")
    version = Version.model_validate_json(response.content)

    assert (response.status_code, version.version, version.state) == (200, 2, "deleted")
    for call in (
        client.get("/tasks/mood/versions/2"),
        client.get("/tasks/mood/versions/2/file"),
        client.post("/predict/mood@2", json={"inputs": "x"}),
        client.put("/tasks/mood/aliases/live", json={"version": 2}),
        client.delete("/tasks/mood/versions/2"),
    ):
        assert read_code(await call) == (404, "version_not_found")


@pytest.mark.usefixtures("records")
async def test_a_version_that_an_alias_points_at_is_not_deleted(
    client: httpx.AsyncClient,
) -> None:
    assert read_code(await client.delete("/tasks/mood/versions/1")) == (409, "version_in_use")


@pytest.mark.usefixtures("records")
async def test_a_cursor_that_is_none_is_named(client: httpx.AsyncClient) -> None:
    response = await client.get("/tasks/mood/versions?after=x")

    assert read_code(response) == (422, "invalid_request")
    assert [at for at, _ in read_faults(response)] == ["query.after"]


async def test_a_version_shows_its_specification(
    client: httpx.AsyncClient, records: list[VersionRecord]
) -> None:
    version = Version.model_validate_json((await client.get("/tasks/mood/versions/2")).content)

    assert version.digest == records[1].digest
    assert AdapterSpec.model_validate_json(
        records[1].spec.model_dump_json()
    ) == AdapterSpec.model_validate(version.spec, strict=False)


@pytest.mark.parametrize(
    "version", ["4", "0", "-1", "01", "live", "1.0", "٣", "9" * 19, "9" * 5_000]
)
@pytest.mark.parametrize("rest", ["", "/file"])
@pytest.mark.usefixtures("records")
async def test_a_version_that_is_not_there_is_not_found(
    client: httpx.AsyncClient, version: str, rest: str
) -> None:
    response = await client.get(f"/tasks/mood/versions/{version}{rest}")

    assert read_code(response) == (404, "version_not_found")


@pytest.mark.parametrize("path", ["/versions", "/versions/1", "/versions/1/file"])
async def test_versions_of_no_task_are_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert read_code(await client.get(f"/tasks/nothing{path}")) == (404, "task_not_found")
