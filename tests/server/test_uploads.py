"""Uploads in parts over HTTP: opened, added to, published, given up, forgotten."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from fake_engine import FakeEngine
from hand_clock import HandClock
from http_exchange import CHUNKED, HOST, exchange
from multitap.wire import Upload, Version
from multitap_registry.errors import StorageFull, StorageUnavailable, TaskNotFound
from multitap_registry.memory import MemoryRegistry
from multitap_registry.sessions import SessionLimits
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from problem_reading import read_code, read_faults
from sample_adapters import SAMPLE_BACKBONE, random_file, sample_adapter, sample_spec

CONTENT = sample_adapter()
SIZE = len(CONTENT)
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
OTHER_DIGEST = "sha256:" + "0" * 64
GRACE = timedelta(hours=1)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def registry(clock: HandClock) -> MemoryRegistry:
    return MemoryRegistry(clock=clock, sessions=SessionLimits(3, 100_000, GRACE))


async def open_upload(
    client: httpx.AsyncClient, size_bytes: int = SIZE, **fields: str | None
) -> str:
    response = await client.post("/uploads", json={"size_bytes": size_bytes, **fields})
    assert response.status_code == 201, response.text
    return Upload.model_validate_json(response.content).upload


async def patch(
    client: httpx.AsyncClient,
    upload: str,
    offset: int | str,
    content: bytes | AsyncIterator[bytes],
) -> httpx.Response:
    headers = {"content-type": "application/octet-stream", "upload-offset": str(offset)}
    return await client.patch(f"/uploads/{upload}", content=content, headers=headers)


async def send(client: httpx.AsyncClient, content: bytes, **fields: str | None) -> str:
    upload = await open_upload(client, len(content), **fields)
    half = len(content) // 2
    assert (await patch(client, upload, 0, content[:half])).status_code == 200
    assert (await patch(client, upload, half, content[half:])).status_code == 200
    return upload


async def publish(
    client: httpx.AsyncClient,
    upload: str,
    task: str = "mood",
    *,
    alias: str | None = None,
    digest: str | None = None,
) -> httpx.Response:
    params = {"upload": upload} | ({} if alias is None else {"alias": alias})
    body = None if digest is None else {"digest": digest}
    return await client.post(f"/tasks/{task}/versions", params=params, json=body)


async def offset_of(client: httpx.AsyncClient, upload: str) -> int:
    response = await client.get(f"/uploads/{upload}")
    return Upload.model_validate_json(response.content).offset


async def test_an_upload_is_opened_with_its_place_and_its_end(
    client: httpx.AsyncClient, clock: HandClock
) -> None:
    response = await client.post("/uploads", json={"size_bytes": SIZE, "digest": DIGEST})
    upload = Upload.model_validate_json(response.content)

    assert response.status_code == 201
    assert response.headers["location"] == f"/uploads/{upload.upload}"
    assert (response.headers["upload-offset"], upload.offset) == ("0", 0)
    assert (upload.size_bytes, upload.expires_at) == (SIZE, clock.now + GRACE)


async def test_parts_are_published_as_one_version(client: httpx.AsyncClient) -> None:
    response = await publish(client, await send(client, CONTENT, digest=DIGEST), alias="next")
    version = Version.model_validate_json(response.content)

    assert response.status_code == 201
    assert response.headers["location"] == "/tasks/mood/versions/1"
    assert (version.digest, set(version.aliases)) == (DIGEST, {"live", "next"})
    assert (await client.get("/tasks/mood/versions/1/file")).content == CONTENT


async def test_the_same_bytes_twice_give_the_same_version(client: httpx.AsyncClient) -> None:
    first = await publish(client, await send(client, CONTENT))
    again = await publish(client, await send(client, CONTENT))

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["version"] == again.json()["version"] == 1


async def test_two_different_uploads_at_once_give_two_versions(client: httpx.AsyncClient) -> None:
    contents = sample_adapter(1), sample_adapter(2)
    uploads = [await send(client, content) for content in contents]

    responses = await asyncio.gather(*(publish(client, upload) for upload in uploads))

    assert sorted(response.json()["version"] for response in responses) == [1, 2]
    assert [response.json()["digest"] for response in responses] == [
        f"sha256:{hashlib.sha256(content).hexdigest()}" for content in contents
    ]


async def test_every_part_is_answered_with_the_new_offset(client: httpx.AsyncClient) -> None:
    upload = await open_upload(client)

    response = await patch(client, upload, 0, CONTENT[:100])

    assert (response.status_code, response.json()["offset"]) == (200, 100)
    assert (response.headers["upload-offset"], response.headers["upload-length"]) == (
        "100",
        str(SIZE),
    )
    assert response.headers["cache-control"] == "no-store"


async def test_the_offset_can_be_asked_for_with_and_without_a_body(
    client: httpx.AsyncClient,
) -> None:
    upload = await open_upload(client)
    await patch(client, upload, 0, CONTENT[:100])

    shown = await client.get(f"/uploads/{upload}")
    head = await client.head(f"/uploads/{upload}")

    assert shown.json()["offset"] == 100
    assert (head.status_code, head.content, head.headers["upload-offset"]) == (200, b"", "100")


@pytest.mark.parametrize("offset", [0, 99, 101])
async def test_a_part_for_another_place_is_a_conflict_with_the_place(
    client: httpx.AsyncClient, offset: int
) -> None:
    upload = await open_upload(client)
    await patch(client, upload, 0, CONTENT[:100])

    response = await patch(client, upload, offset, CONTENT[offset:])

    assert read_code(response) == (409, "upload_conflict")
    assert response.headers["upload-offset"] == "100"
    assert await offset_of(client, upload) == 100


@pytest.mark.parametrize("offset", ["", "-1", "1.0", "x", "٣", "9" * 19])
async def test_an_offset_that_is_no_number_is_named(client: httpx.AsyncClient, offset: str) -> None:
    upload = await open_upload(client)
    headers = [
        (b"content-type", b"application/octet-stream"),
        (b"upload-offset", offset.encode()),
    ]
    response = await client.patch(f"/uploads/{upload}", content=b"x", headers=headers)

    assert read_code(response) == (422, "invalid_request")
    assert [at for at, _ in read_faults(response)] == ["header.upload-offset"]


async def test_a_part_without_an_offset_is_refused(client: httpx.AsyncClient) -> None:
    upload = await open_upload(client)
    headers = {"content-type": "application/octet-stream"}
    response = await client.patch(f"/uploads/{upload}", content=b"x", headers=headers)

    assert read_code(response) == (422, "invalid_request")


async def test_a_part_of_another_type_is_unsupported(client: httpx.AsyncClient) -> None:
    upload = await open_upload(client)
    response = await client.patch(f"/uploads/{upload}", json={}, headers={"upload-offset": "0"})

    assert read_code(response) == (415, "unsupported_media_type")


async def test_what_arrived_before_a_cut_counts(app: FastAPI, client: httpx.AsyncClient) -> None:
    upload = await open_upload(client)
    sent = await exchange(
        app,
        f"/uploads/{upload}",
        [
            {"type": "http.request", "body": CONTENT[:100], "more_body": True},
            {"type": "http.disconnect"},
        ],
        headers=[
            HOST,
            (b"content-type", b"application/octet-stream"),
            (b"upload-offset", b"0"),
            CHUNKED,
        ],
        method="PATCH",
    )
    assert sent == []

    assert await offset_of(client, upload) == 100
    assert (await patch(client, upload, 100, CONTENT[100:])).status_code == 200
    assert (await publish(client, upload)).status_code == 201


async def test_a_part_that_stops_arriving_is_timed_out_and_what_came_of_it_counts(
    registry: MemoryRegistry, engine: FakeEngine
) -> None:
    app = create_app(ServerConfig(body_idle_s=0.01), registry, engine)
    upload = registry.sessions.open(SIZE).id
    sent = await exchange(
        app,
        f"/uploads/{upload}",
        [
            {"type": "http.request", "body": CONTENT[:100], "more_body": True},
            {"type": "test.pause"},
            {"type": "http.disconnect"},
        ],
        headers=[
            HOST,
            (b"content-type", b"application/octet-stream"),
            (b"upload-offset", b"0"),
            CHUNKED,
        ],
        method="PATCH",
    )

    assert sent[0]["status"] == 408
    assert registry.sessions.get(upload).offset == 100


async def test_a_newer_request_ends_an_older_one_whose_bytes_count(
    client: httpx.AsyncClient,
) -> None:
    upload = await open_upload(client)
    async with stuck_part(client, upload, CONTENT[:100]) as stuck:
        # It comes with what it knows, and learns what arrived meanwhile.
        newer = await patch(client, upload, 0, CONTENT)
        older = await stuck

    assert read_code(older) == (409, "upload_conflict")
    assert read_code(newer) == (409, "upload_conflict")
    assert newer.headers["upload-offset"] == "100"
    assert (await patch(client, upload, 100, CONTENT[100:])).json()["offset"] == SIZE


async def test_overlapping_parts_never_mix(client: httpx.AsyncClient) -> None:
    upload = await open_upload(client)

    await asyncio.gather(*(patch(client, upload, 0, CONTENT) for _ in range(5)))

    assert await offset_of(client, upload) == SIZE
    assert (await publish(client, upload, digest=DIGEST)).status_code == 201


async def test_giving_up_ends_a_part_that_is_under_way(client: httpx.AsyncClient) -> None:
    upload = await open_upload(client)
    async with stuck_part(client, upload, CONTENT[:100]) as stuck:
        response = await client.delete(f"/uploads/{upload}")
        await stuck

    assert (response.status_code, response.content) == (204, b"")
    assert read_code(await client.get(f"/uploads/{upload}")) == (404, "upload_not_found")


@asynccontextmanager
async def stuck_part(
    client: httpx.AsyncClient, upload: str, content: bytes
) -> AsyncGenerator["asyncio.Task[httpx.Response]"]:
    """Give a request that has sent some bytes, and whose end never comes."""
    sent = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield content
        sent.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(patch(client, upload, 0, body()))
    await sent.wait()
    async with asyncio.timeout(10):
        yield task


@pytest.mark.parametrize("content", [CONTENT + b"x", CONTENT * 2])
async def test_more_bytes_than_announced_are_too_large(
    client: httpx.AsyncClient, content: bytes
) -> None:
    upload = await open_upload(client)

    response = await patch(client, upload, 0, content)

    assert read_code(response) == (413, "too_large")
    assert await offset_of(client, upload) == 0


async def test_a_file_beyond_the_limit_is_refused_before_any_byte(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.post("/uploads", json={"size_bytes": 65_536})).status_code == 201
    response = await client.post("/uploads", json={"size_bytes": 65_537})

    assert read_code(response) == (413, "too_large")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "size_bytes"),
        ({"size_bytes": 0}, "size_bytes"),
        ({"size_bytes": -1}, "size_bytes"),
        ({"size_bytes": "9"}, "size_bytes"),
        ({"size_bytes": 10**18}, "size_bytes"),
        ({"size_bytes": 9, "digest": "sha256:abc"}, "digest"),
        ({"size_bytes": 9, "name": "x"}, "name"),
    ],
)
async def test_an_announcement_that_is_none_is_refused_with_its_fault(
    client: httpx.AsyncClient, body: dict[str, object], place: str
) -> None:
    response = await client.post("/uploads", json=body)

    assert read_code(response) == (422, "invalid_request")
    assert [at for at, _ in read_faults(response)] == [place]


async def test_more_uploads_than_allowed_are_over_the_quota(client: httpx.AsyncClient) -> None:
    for _ in range(3):
        await open_upload(client)
    response = await client.post("/uploads", json={"size_bytes": SIZE})

    assert read_code(response) == (429, "quota_exceeded")
    assert response.headers["retry-after"] == "60"


async def test_a_client_that_vanishes_leaves_nothing_after_the_grace_period(
    client: httpx.AsyncClient, registry: MemoryRegistry, clock: HandClock
) -> None:
    uploads = [await open_upload(client) for _ in range(3)]
    await patch(client, uploads[0], 0, CONTENT[:100])
    clock.move(hours=1)

    assert registry.sessions.sweep() == 3
    for upload in uploads:
        assert read_code(await client.get(f"/uploads/{upload}")) == (404, "upload_not_found")
    assert len(uploads) == len([await open_upload(client) for _ in range(3)])


async def test_an_expired_upload_is_gone_before_it_is_swept(
    client: httpx.AsyncClient, clock: HandClock
) -> None:
    upload = await send(client, CONTENT)
    clock.move(hours=1)

    assert read_code(await publish(client, upload)) == (404, "upload_not_found")


async def test_expired_uploads_are_swept_by_the_server_itself(
    config: ServerConfig, engine: FakeEngine, clock: HandClock
) -> None:
    loop, looks = asyncio.get_running_loop(), asyncio.Queue[None]()

    def watched() -> datetime:
        loop.call_soon_threadsafe(looks.put_nowait, None)
        return clock()

    limits = SessionLimits(grace=timedelta(milliseconds=1))
    registry = MemoryRegistry(clock=watched, sessions=limits)
    registry.sessions.open(SIZE)
    clock.move(seconds=1)
    await asyncio.sleep(0)  # the looks so far are in the queue now
    app = create_app(config, registry, engine)
    async with app.router.lifespan_context(app), asyncio.timeout(10):
        while not looks.empty():
            looks.get_nowait()
        # A sweep looks once, at its start: with its third look, one that found some has ended.
        for _ in range(3):
            await looks.get()

    assert registry.sessions.sweep() == 0


@pytest.mark.parametrize("when", ["opened", "published"])
async def test_bytes_of_another_digest_are_refused_and_gone(
    client: httpx.AsyncClient, registry: MemoryRegistry, when: str
) -> None:
    upload = await send(client, CONTENT, digest=OTHER_DIGEST if when == "opened" else None)

    response = await publish(client, upload, digest=OTHER_DIGEST if when == "published" else None)

    assert read_code(response) == (422, "upload_digest_mismatch")
    assert DIGEST in response.json()["detail"]
    assert read_code(await publish(client, upload)) == (404, "upload_not_found")
    with pytest.raises(TaskNotFound):
        registry.task("mood")


async def test_an_upload_that_is_not_whole_is_a_conflict_and_goes_on(
    client: httpx.AsyncClient,
) -> None:
    upload = await open_upload(client)
    await patch(client, upload, 0, CONTENT[:100])

    response = await publish(client, upload)

    assert read_code(response) == (409, "upload_conflict")
    assert response.headers["upload-offset"] == "100"
    await patch(client, upload, 100, CONTENT[100:])
    assert (await publish(client, upload)).status_code == 201


async def test_bytes_that_are_no_adapter_are_refused_with_their_faults_and_gone(
    client: httpx.AsyncClient,
) -> None:
    upload = await send(client, b"no adapter")

    response = await publish(client, upload)

    assert read_code(response) == (422, "invalid_adapter")
    assert read_faults(response)
    assert read_code(await client.get(f"/uploads/{upload}")) == (404, "upload_not_found")


async def test_an_adapter_for_another_backbone_is_a_conflict_and_gone(
    client: httpx.AsyncClient,
) -> None:
    other = SAMPLE_BACKBONE.model_copy(update={"digest": "sha256:" + "d" * 64})
    upload = await send(client, random_file(sample_spec(backbone=other)))

    assert read_code(await publish(client, upload)) == (409, "backbone_mismatch")
    assert read_code(await client.get(f"/uploads/{upload}")) == (404, "upload_not_found")


async def test_a_canary_runs_before_an_upload_is_published(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    await publish(client, await send(client, CONTENT))

    assert engine.checked == [DIGEST]


async def test_a_client_that_missed_the_answer_gets_it_again(client: httpx.AsyncClient) -> None:
    upload = await send(client, CONTENT)
    first = await publish(client, upload, alias="next")

    again = await publish(client, upload, alias="next")

    assert (again.status_code, again.json()) == (201, first.json())


@pytest.mark.parametrize("options", [{"task": "other"}, {"alias": "next"}])
async def test_an_upload_is_published_once_only(
    client: httpx.AsyncClient, options: dict[str, str]
) -> None:
    upload = await send(client, CONTENT)
    await publish(client, upload)

    assert read_code(await publish(client, upload, **options)) == (404, "upload_not_found")


async def test_publishing_twice_at_once_is_publishing_once(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    upload = await send(client, CONTENT)

    responses = await asyncio.gather(*(publish(client, upload) for _ in range(4)))

    assert {response.status_code for response in responses} == {201}
    assert engine.checked == [DIGEST]


async def test_an_upload_goes_on_where_storage_was_away_when_it_was_published(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    upload = await send(client, CONTENT)
    registry.failure = StorageUnavailable("the store is away")
    assert read_code(await publish(client, upload)) == (503, "unavailable")

    registry.failure = None

    assert (await publish(client, upload)).status_code == 201


@pytest.mark.parametrize(
    ("path", "place"), [("/tasks/Bad!/versions", "task"), ("/tasks/mood/versions?alias=", "alias")]
)
async def test_names_are_checked_before_an_upload_is_touched(
    client: httpx.AsyncClient, path: str, place: str
) -> None:
    upload = await send(client, CONTENT)
    joint = "&" if "?" in path else "?"

    response = await client.post(f"{path}{joint}upload={upload}")

    assert read_code(response) == (422, "invalid_request")
    assert [at for at, _ in read_faults(response)] == [place]
    assert (await publish(client, upload)).status_code == 201


async def test_a_body_beside_an_upload_must_be_json(client: httpx.AsyncClient) -> None:
    upload = await send(client, CONTENT)
    headers = {"content-type": "application/octet-stream"}
    path = f"/tasks/mood/versions?upload={upload}"

    wrong_type = await client.post(path, content=CONTENT, headers=headers)
    unknown_field = await client.post(path, json={"digests": DIGEST})

    assert read_code(wrong_type) == (415, "unsupported_media_type")
    assert read_code(unknown_field) == (422, "invalid_request")
    assert await offset_of(client, upload) == SIZE


async def test_an_upload_is_gone_after_an_error_of_the_disk(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    upload = await open_upload(client)
    registry.failure = StorageFull("no space left")
    response = await patch(client, upload, 0, CONTENT)
    registry.failure = None

    assert read_code(response) == (507, "storage_full")
    assert read_code(await client.get(f"/uploads/{upload}")) == (404, "upload_not_found")


async def test_nothing_is_opened_on_a_full_disk(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    registry.failure = StorageFull("no space left")
    response = await client.post("/uploads", json={"size_bytes": SIZE})

    assert read_code(response) == (507, "storage_full")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("upload", ["x", "..%2f..%2fregistry", "0" * 48, "%00", "é"])
async def test_an_upload_that_is_not_there_is_not_found(
    client: httpx.AsyncClient, method: str, upload: str
) -> None:
    headers = {"content-type": "application/octet-stream", "upload-offset": "0"}
    response = await client.request(method, f"/uploads/{upload}", headers=headers)

    assert response.status_code == 404
    assert read_code(response)[1] in ("upload_not_found", "not_found")


async def test_publishing_an_upload_that_is_not_there_is_not_found(
    client: httpx.AsyncClient,
) -> None:
    assert read_code(await publish(client, "0" * 48)) == (404, "upload_not_found")
