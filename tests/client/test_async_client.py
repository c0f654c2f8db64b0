"""The asynchronous client: the same calls, awaited."""

import asyncio
import hashlib
import inspect
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.responses import JSONResponse, Response

from client.documents import ANSWER, TASK, VERSION, problem
from client.scripted_server import Script
from multitap import (
    AliasNotFound,
    AsyncClient,
    Client,
    ConnectionFailed,
    DigestMismatch,
    Overloaded,
    Retries,
    TaskNotFound,
)
from multitap.predictions import ClassificationPrediction

CONTENT = b"weights" * 100_000
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
CALLS = [
    name
    for name, value in vars(Client).items()
    if inspect.isfunction(value) and not name.startswith("_") and name != "close"
]


@pytest.fixture
async def client(script: Script) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(script.url, retries=Retries(limit=1, first_wait_s=0)) as client:
        yield client


@pytest.mark.parametrize("name", CALLS)
def test_both_clients_take_the_same_arguments(name: str) -> None:
    ours = inspect.signature(getattr(AsyncClient, name))
    theirs = inspect.signature(getattr(Client, name))

    assert ours.parameters == theirs.parameters
    assert getattr(AsyncClient, name).__doc__ == f"As `Client.{name}`."


def test_both_clients_are_made_with_the_same_arguments() -> None:
    ours = inspect.signature(AsyncClient).parameters
    theirs = inspect.signature(Client).parameters

    assert list(ours) == list(theirs)
    assert [each.default for each in ours.values()] == [each.default for each in theirs.values()]


async def test_a_prediction_comes_back_typed(script: Script, client: AsyncClient) -> None:
    script.answer(JSONResponse(ANSWER))

    answer = await client.predict("sentiment", "A joy.", truncate=False)

    assert answer.typed(ClassificationPrediction)[0].label == "positive"
    sent = json.loads(script.seen[0].body)
    assert sent == {"inputs": "A joy.", "parameters": {"truncate": False}}


async def test_predictions_run_side_by_side(script: Script, client: AsyncClient) -> None:
    script.answer(JSONResponse(ANSWER))

    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(client.predict("sentiment", "a")) for _ in range(20)]

    assert [call.result().version for call in calls] == [3] * 20


async def test_mixed_calls_are_answered(script: Script, client: AsyncClient) -> None:
    script.answer(JSONResponse({"results": [ANSWER]}), JSONResponse({"results": []}))

    assert len((await client.predict_tasks(["sentiment"], "a")).results) == 1
    assert (await client.predict_rows([("sentiment", "a")])).results == []


async def test_listings_are_iterated_page_after_page(script: Script, client: AsyncClient) -> None:
    script.answer(
        JSONResponse({"tasks": [TASK], "next": "CUR"}),
        JSONResponse({"tasks": [TASK], "next": None}),
        JSONResponse({"versions": [VERSION], "next": "2"}),
        JSONResponse({"versions": [VERSION], "next": None}),
    )

    assert len([task async for task in client.tasks()]) == 2
    assert len([version async for version in client.versions("sentiment")]) == 2


async def test_lookups_and_moves_are_answered(script: Script, client: AsyncClient) -> None:
    script.answer(
        JSONResponse(TASK), JSONResponse(VERSION), JSONResponse(VERSION), JSONResponse({})
    )

    assert (await client.task("sentiment")).live == 3
    assert (await client.version("sentiment", 3)).version == 3
    assert (await client.point("sentiment", "live", 3, expected=2)).version == 3
    assert await client.ready()


async def test_a_push_streams_the_file(script: Script, client: AsyncClient, tmp_path: Path) -> None:
    busy = problem("overloaded", 429, headers={"retry-after": "0"})
    script.answer(busy, JSONResponse(VERSION, status_code=201))
    (tmp_path / "a").write_bytes(CONTENT)

    publication = await client.push("sentiment", tmp_path / "a")

    assert publication.created
    assert [seen.body for seen in script.seen] == [CONTENT, CONTENT]
    assert script.seen[0].headers["content-length"] == str(len(CONTENT))


async def test_a_pull_writes_the_checked_bytes(
    script: Script, client: AsyncClient, tmp_path: Path
) -> None:
    record = VERSION | {"digest": DIGEST}
    script.answer(JSONResponse(TASK), JSONResponse(record), Response(CONTENT))

    await client.pull("sentiment", tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == CONTENT


async def test_a_pull_of_other_bytes_writes_nothing(
    script: Script, client: AsyncClient, tmp_path: Path
) -> None:
    script.answer(JSONResponse(VERSION | {"digest": DIGEST}), Response(b"else"))

    with pytest.raises(DigestMismatch):
        await client.pull("sentiment@3", tmp_path / "a")

    assert not any(tmp_path.iterdir())  # noqa: ASYNC240 (a test)


async def test_a_refused_pull_raises_by_code(
    script: Script, client: AsyncClient, tmp_path: Path
) -> None:
    script.answer(JSONResponse(VERSION), problem("task_not_found", 404))

    with pytest.raises(TaskNotFound):
        await client.pull("sentiment@3", tmp_path / "a")


async def test_a_pull_by_an_unknown_alias_names_it(script: Script, client: AsyncClient) -> None:
    script.answer(JSONResponse(TASK))

    with pytest.raises(AliasNotFound):
        await client.pull("sentiment@old", "a")


async def test_a_server_that_stays_busy_is_left_alone(script: Script, client: AsyncClient) -> None:
    script.answer(problem("overloaded", 429, headers={"retry-after": "0"}))

    with pytest.raises(Overloaded):
        await client.predict("sentiment", "a")

    assert len(script.seen) == 2


async def test_a_closed_port_is_a_failed_connection(closed_port: str) -> None:
    async with AsyncClient(closed_port, retries=Retries(first_wait_s=0)) as client:
        with pytest.raises(ConnectionFailed):
            await client.task("sentiment")
