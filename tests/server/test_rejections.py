"""Uploads that were refused or cut off leave one audit line each, and no version."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from fake_engine import FakeEngine
from http_exchange import CHUNKED, HOST, exchange
from multitap_registry.contract import AuditEntry, VersionRecord
from multitap_registry.errors import StorageFull
from multitap_registry.memory import MemoryRegistry
from multitap_server.engine.errors import UnsupportedAdapter
from multitap_server.rejections import MAX_REASON, Rejections
from sample_adapters import SAMPLE_BACKBONE, random_file, sample_adapter, sample_spec

FOREIGN = SAMPLE_BACKBONE.model_copy(update={"digest": "sha256:" + "f" * 64})
FILE = (b"content-type", b"application/octet-stream")


async def push(client: httpx.AsyncClient, content: bytes) -> httpx.Response:
    return await client.post(
        "/tasks/mood/versions",
        content=content,
        headers={"content-type": "application/octet-stream", "x-request-id": "r-1"},
    )


def entries(registry: MemoryRegistry) -> list[AuditEntry]:
    return [line.entry for line in registry.audit(after=0, limit=100)]


async def test_a_file_that_is_no_adapter_leaves_its_first_fault(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    broken = sample_adapter().replace(b'"F32"', b'"F99"')
    first, *others = (await push(client, broken)).json()["errors"]
    [entry] = entries(registry)

    assert others
    assert (entry.action, entry.outcome, entry.task) == ("upload.rejected", "rejected", "mood")
    assert entry.reason == f"{first['at']}: {first['message']}"
    assert (entry.by, entry.request_id, entry.new_digest) == ("anonymous", "r-1", None)


async def test_an_adapter_for_another_backbone_leaves_its_digest(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    await push(client, random_file(sample_spec(backbone=FOREIGN)))
    [entry] = entries(registry)

    assert entry.reason is not None
    assert entry.reason.startswith("the adapter was made for another backbone")
    assert entry.new_digest is not None


async def test_an_adapter_that_the_engine_cannot_run_leaves_a_line(
    client: httpx.AsyncClient, registry: MemoryRegistry, engine: FakeEngine
) -> None:
    engine.unsupported = UnsupportedAdapter("the canary's output is not finite")
    await push(client, sample_adapter())

    assert [entry.reason for entry in entries(registry)] == ["the canary's output is not finite"]


async def test_an_upload_that_is_too_large_leaves_a_line(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    assert (await push(client, b"x" * 65_537)).status_code == 413

    assert [entry.reason for entry in entries(registry)] == ["the body has more than 65536 bytes"]


async def test_an_upload_that_is_cut_off_leaves_a_line(
    app: FastAPI, registry: MemoryRegistry
) -> None:
    await exchange(
        app,
        "/tasks/mood/versions",
        [
            {"type": "http.request", "body": sample_adapter()[:100], "more_body": True},
            {"type": "http.disconnect"},
        ],
        headers=[HOST, FILE, CHUNKED],
    )

    assert [entry.reason for entry in entries(registry)] == ["cut off before its end"]


async def test_a_publish_leaves_its_request_and_no_rejection(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    await push(client, sample_adapter())

    assert [(entry.action, entry.request_id) for entry in entries(registry)] == [
        ("version.published", "r-1"),
        ("alias.moved", "r-1"),
    ]


async def test_a_disk_that_is_full_is_no_fault_of_an_upload(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    registry.failure = StorageFull("no space left")
    assert (await push(client, sample_adapter())).status_code == 507
    registry.failure = None

    assert entries(registry) == []


async def test_an_upload_is_refused_also_where_its_line_cannot_be_written(
    client: httpx.AsyncClient,
    registry: MemoryRegistry,
    engine: FakeEngine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class FullFromNowOn(UnsupportedAdapter):
        """The disk fills up while the engine looks at the file."""

        def __str__(self) -> str:
            registry.failure = StorageFull("no space left")
            return super().__str__()

    engine.unsupported = FullFromNowOn("not here")

    assert (await push(client, sample_adapter())).status_code == 422
    assert "request r-1: its audit line is lost: no space left" in caplog.messages


def test_a_reason_is_one_line_of_bounded_length(registry: MemoryRegistry) -> None:
    with (
        pytest.raises(UnsupportedAdapter),
        Rejections(registry).noting("mood", by="ann", request_id="r"),
    ):
        raise UnsupportedAdapter("two\nlines \ud800 " + "x" * 1_000)
    [entry] = entries(registry)

    assert entry.reason is not None
    assert entry.reason.startswith("two lines ? xxx")
    assert (len(entry.reason), entry.reason[-1]) == (MAX_REASON, "…")


async def test_nothing_else_counts_as_an_upload(
    client: httpx.AsyncClient,
    registry: MemoryRegistry,
    publish_task: Callable[..., VersionRecord],
) -> None:
    publish_task("mood")
    before = len(entries(registry))
    await client.post("/tasks/mood/versions", content=b"x", headers={"content-type": "text/plain"})
    await client.post(
        "/tasks/Bad!/versions", content=b"x", headers={"content-type": FILE[1].decode()}
    )

    assert len(entries(registry)) == before
