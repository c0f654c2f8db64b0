"""Both clients tend a registry, against the real service."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from itertools import islice

import pytest
from starlette.responses import JSONResponse

from client.command_line import Running
from client.documents import problem
from client.scripted_server import Script, serve_app
from fake_engine import FakeEngine
from multitap import (
    AliasConflict,
    AliasNotFound,
    AsyncClient,
    Client,
    ConnectionFailed,
    InternalError,
    InvalidRequest,
    NothingToRollBackTo,
    Retries,
    TaskNotFound,
    VersionInUse,
    VersionNotFound,
)
from multitap_registry.memory import MemoryRegistry
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from publishing import publish
from sample_adapters import sample_adapter

NEWER = sample_adapter(seed=3, labels=["bad", "good"])
EVENT: dict[str, object] = {
    "seq": 1,
    "at": "2026-11-24T12:00:00Z",
    "by": "ann",
    "type": "something.new",
    "task": "spam",
}


def serve(registry: MemoryRegistry, listening: socket.socket) -> AbstractContextManager[str]:
    """Serve a registry on a socket that listens already."""
    config = ServerConfig(port=listening.getsockname()[1])
    return serve_app(create_app(config, registry, FakeEngine()), listening)


@pytest.fixture
def client(real_server: Running) -> Iterator[Client]:
    publish(real_server.registry, "sentiment", NEWER)
    with Client(real_server.url, retries=Retries(limit=1, first_wait_s=0)) as client:
        yield client


@pytest.fixture
async def async_client(real_server: Running) -> AsyncIterator[AsyncClient]:
    publish(real_server.registry, "sentiment", NEWER)
    async with AsyncClient(real_server.url) as client:
        yield client


def test_a_promotion_is_taken_back_and_its_history_kept(client: Client) -> None:
    client.point("sentiment", "live", 2, reason="better")
    back = client.rollback("sentiment", expected=2, reason="worse")

    assert (back.version, back.aliases) == (1, ["live"])
    assert [(move.origin, move.target) for move in client.history("sentiment")] == [
        (None, 1),
        (1, 2),
        (2, 1),
    ]
    last = client.history("sentiment")[-1]
    assert (last.move, last.by, last.reason, last.rollback) == (3, "anonymous", "worse", True)


def test_what_cannot_be_taken_back_is_raised_by_code(client: Client) -> None:
    with pytest.raises(NothingToRollBackTo):
        client.rollback("sentiment")
    with pytest.raises(AliasConflict):
        client.rollback("sentiment", expected=2)
    with pytest.raises(AliasNotFound):
        client.rollback("sentiment", "next")
    with pytest.raises(AliasNotFound):
        client.history("sentiment", "next")


def test_deleted_versions_tasks_and_aliases_are_gone(client: Client) -> None:
    with pytest.raises(VersionInUse):
        client.delete_version("sentiment", 1)
    assert client.delete_version("sentiment", 2, reason="leaked").state == "deleted"
    with pytest.raises(VersionNotFound):
        client.version("sentiment", 2)
    with pytest.raises(VersionInUse):
        client.delete_task("sentiment")
    with pytest.raises(AliasConflict):
        client.delete_alias("sentiment", "live", expected=2)
    client.delete_alias("sentiment", "live", expected=1)
    client.delete_task("sentiment")
    with pytest.raises(TaskNotFound):
        client.task("sentiment")


def test_a_task_is_deleted_with_its_aliases_by_force(client: Client) -> None:
    client.delete_task("sentiment", force=True, reason="gone")

    assert list(client.tasks()) == []


def test_tags_are_given_found_and_taken(client: Client) -> None:
    assert client.tag("sentiment", 2, "team/a").tags == ["team/a"]
    assert client.tag("sentiment", 2, "good").tags == ["good", "team/a"]
    assert [each.version for each in client.versions("sentiment", tag="good")] == [2]
    assert [each.task for each in client.tasks(tag="team/a")] == ["sentiment"]
    assert client.untag("sentiment", 2, "team/a").tags == ["good"]
    with pytest.raises(InvalidRequest, match="is no tag"):
        client.tag("sentiment", 2, "no tag")


def test_tasks_are_found_by_every_condition(client: Client) -> None:
    assert [each.task for each in client.tasks(label="GOOD", kind="classification")] == [
        "sentiment"
    ]
    assert list(client.tasks(label="good", language="de")) == []
    assert list(client.tasks(licence="MIT")) == list(client.tasks(text="news")) == []


def test_references_are_resolved(client: Client) -> None:
    assert client.resolve("sentiment").version == 1
    assert client.resolve("sentiment@2").version == 2
    with pytest.raises(AliasNotFound):
        client.resolve("sentiment@next")


def test_events_and_audit_lines_are_listed_page_after_page(client: Client) -> None:
    page = client.events(after=1, limit=1)
    lines = list(client.audit(page_size=2))

    assert [(event.seq, event.type, event.alias) for event in page.events] == [
        (2, "alias.moved", "live")
    ]
    assert (page.next, page.last) == (2, 3)
    assert [line.seq for line in lines] == [1, 2, 3]
    assert [line.previous for line in lines[1:]] == [line.hash for line in lines[:-1]]
    assert [line.seq for line in client.audit(after=2)] == [3]


def test_a_follower_hears_of_what_was_and_of_what_comes(
    client: Client, real_server: Running
) -> None:
    with ThreadPoolExecutor(1) as threads:
        following = client.follow(after=2, wait_s=20)
        assert next(following).type == "version.published"
        heard = threads.submit(next, following)
        real_server.registry.tag("sentiment", 1, by="ann", add=["good"])

        event = heard.result(timeout=10)
    assert (event.seq, event.type, event.by) == (4, "version.tagged", "ann")


def test_a_follower_from_now_on_hears_only_what_comes(script: Script) -> None:
    script.answer(
        JSONResponse({"events": [EVENT], "next": 1, "last": 7}),
        JSONResponse({"events": [EVENT | {"seq": 8}], "next": 8, "last": 8}),
    )
    with Client(script.url) as client:
        assert next(client.follow(after=None)).seq == 8

    assert "after=7" in script.seen[1].query


def test_a_follower_outlives_a_busy_server_and_loses_nothing(script: Script) -> None:
    script.answer(
        JSONResponse({"events": [EVENT], "next": 1, "last": 1}),
        problem("unavailable", 503, headers={"retry-after": "0"}),
        JSONResponse({"events": [], "next": 1, "last": 1}),
        JSONResponse({"events": [EVENT | {"seq": 2}], "next": 2, "last": 2}),
    )
    with Client(script.url, retries=Retries(limit=0)) as client:
        assert [event.seq for event in islice(client.follow(), 2)] == [1, 2]

    assert [seen.query.split("&")[0] for seen in script.seen] == [
        "after=0",
        "after=1",
        "after=1",
        "after=1",
    ]


def test_a_follower_does_not_hide_what_will_not_pass(script: Script, closed_port: str) -> None:
    script.answer(JSONResponse({"events": [EVENT], "next": 1, "last": 1}), problem("internal", 500))
    with Client(script.url) as client, pytest.raises(InternalError):
        list(islice(client.follow(), 2))
    with Client(closed_port, retries=Retries(limit=0)) as client, pytest.raises(ConnectionFailed):
        next(client.follow())


def test_a_follower_outlives_a_server_that_starts_again() -> None:
    registry = MemoryRegistry()
    publish(registry, "spam", NEWER)
    with serve(registry, socket.create_server(("127.0.0.1", 0))) as url:
        client = Client(url)
        following = client.follow(wait_s=0.1)
        first = [event.seq for event in islice(following, 2)]
    port = int(url.rpartition(":")[2])
    registry.tag("spam", 1, by="ann", add=["while-it-was-away"])
    with ThreadPoolExecutor(1) as threads, client:
        heard = threads.submit(next, following)
        with serve(registry, socket.create_server(("127.0.0.1", port))):
            event = heard.result(timeout=20)

    assert (first, event.seq) == ([1, 2], 3)


async def test_the_asynchronous_client_does_the_same(
    async_client: AsyncClient, real_server: Running
) -> None:
    assert (await async_client.point("sentiment", "live", 2)).version == 2
    assert (await async_client.rollback("sentiment")).version == 1
    assert len(await async_client.history("sentiment")) == 3
    assert (await async_client.tag("sentiment", 2, "good")).tags == ["good"]
    assert (await async_client.untag("sentiment", 2, "good")).tags == []
    assert (await async_client.resolve("sentiment@2")).version == 2
    assert (await async_client.delete_version("sentiment", 2)).state == "deleted"
    await async_client.delete_alias("sentiment", "live")
    assert (await async_client.events(limit=1)).next == 1
    await async_client.delete_task("sentiment")
    assert [line.seq async for line in async_client.audit(page_size=4)] == list(range(1, 12))
    assert real_server.registry.tasks(limit=1).records == []


async def test_the_asynchronous_follower_waits_without_holding_the_loop(
    async_client: AsyncClient, real_server: Running
) -> None:
    following = async_client.follow(after=3, wait_s=20)
    heard = asyncio.ensure_future(anext(following))
    tag = partial(real_server.registry.tag, "sentiment", 1, by="ann", add=["good"])
    await asyncio.to_thread(tag)
    async with asyncio.timeout(10):
        event = await heard

    assert (event.seq, event.type) == (4, "version.tagged")
