"""The client against the real service: both sides of the contract at once."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from client.command_line import Running
from multitap import (
    AliasConflict,
    AliasNotFound,
    AsyncClient,
    BackboneMismatch,
    Client,
    DeadlineExceeded,
    InvalidAdapter,
    InvalidRequest,
    Overloaded,
    ProblemResult,
    Retries,
    RouteNotFound,
    TaskNotFound,
    TextInput,
    Unavailable,
    VersionNotFound,
)
from multitap.calls import InputLike
from multitap.predictions import ClassificationPrediction
from multitap_server.engine.errors import EngineStopped
from multitap_server.engine.errors import Overloaded as FullQueue
from sample_adapters import SAMPLE_BACKBONE, random_file, sample_adapter, sample_spec

NEWER = sample_adapter(seed=3, labels=["bad", "good"])


@pytest.fixture
def client(real_server: Running) -> Iterator[Client]:
    with Client(real_server.url, retries=Retries(limit=1, first_wait_s=0)) as client:
        yield client


@pytest.fixture
async def async_client(real_server: Running) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(real_server.url) as client:
        yield client


def test_texts_and_pairs_are_answered_in_order(client: Client, real_server: Running) -> None:
    inputs: list[InputLike] = ["one", TextInput(text="two", text_pair="three"), {"text": "four"}]

    answer = client.predict("sentiment", inputs, top_k=2)

    assert (answer.task, answer.version, answer.usage.rows) == ("sentiment", 1, 3)
    assert [len(each.scores or []) for each in answer.typed(ClassificationPrediction)] == [2, 2, 2]
    [(rows, _)] = real_server.engine.encoded
    assert [(row.text, row.text_pair) for row in rows] == [
        ("one", None),
        ("two", "three"),
        ("four", None),
    ]


def test_one_text_alone_is_a_list_of_one_prediction(client: Client) -> None:
    assert len(client.predict("sentiment@1", "one").predictions) == 1


def test_a_task_that_fails_stands_in_its_place(client: Client) -> None:
    good, bad = client.predict_tasks(["sentiment", "none"], "a").results

    assert not isinstance(good, ProblemResult)
    assert isinstance(bad, ProblemResult)
    assert bad.problem.code == "task_not_found"


def test_a_row_that_fails_stands_in_its_place(client: Client) -> None:
    bad, good = client.predict_rows([("none", "a"), ("sentiment", "a")]).results

    assert isinstance(bad, ProblemResult)
    assert not isinstance(good, ProblemResult)
    assert good.typed(ClassificationPrediction).label == "bad"


@pytest.mark.parametrize(
    ("reference", "error"),
    [
        ("none", TaskNotFound),
        ("sentiment@2", VersionNotFound),
        ("sentiment@old", AliasNotFound),
        ("No Name", TaskNotFound),
        ("", RouteNotFound),
        ("a/b", RouteNotFound),
    ],
)
def test_what_a_reference_does_not_find_is_raised_by_code(
    client: Client, reference: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        client.predict(reference, "a")


def test_every_fault_of_the_inputs_is_told(client: Client) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client.predict("sentiment", [{"text": 7}, {"txt": "a"}])

    assert caught.value.status == 422
    assert caught.value.request_id
    assert len(caught.value.errors) == 3


def test_a_text_that_may_not_be_cut_is_refused(client: Client) -> None:
    with pytest.raises(InvalidRequest, match="42 tokens, expected at most 32"):
        client.predict("sentiment", "word " * 40, truncate=False)


def test_a_deadline_that_passes_is_raised(client: Client, real_server: Running) -> None:
    real_server.engine.held = True

    with pytest.raises(DeadlineExceeded):
        client.predict("sentiment", "a", timeout_ms=1)


def test_a_full_queue_is_raised_with_its_wait(client: Client, real_server: Running) -> None:
    digest = client.version("sentiment", 1).digest
    real_server.engine.submit_errors[digest] = FullQueue(60.0)

    with pytest.raises(Overloaded) as caught:
        client.predict("sentiment", "a")

    assert caught.value.retry_after_s == 60


def test_a_stopped_engine_is_unavailable_and_not_ready(
    client: Client, real_server: Running
) -> None:
    digest = client.version("sentiment", 1).digest
    real_server.engine.stopped = EngineStopped("gone")
    real_server.engine.submit_errors[digest] = EngineStopped("gone")

    assert not client.ready()
    with pytest.raises(Unavailable):
        client.predict("sentiment", "a")


def test_what_was_pushed_is_pulled_byte_by_byte(client: Client, tmp_path: Path) -> None:
    publication = client.push("sentiment", NEWER, alias="next")

    version = client.pull("sentiment@next", tmp_path / "a")

    assert publication.created
    assert version == publication.record
    assert (tmp_path / "a").read_bytes() == NEWER


def test_the_same_bytes_again_are_the_same_version(client: Client) -> None:
    first = client.push("sentiment", NEWER)
    again = client.push("sentiment", NEWER)

    assert (first.created, again.created) == (True, False)
    assert first.record.version == again.record.version


def test_every_fault_of_a_file_is_told(client: Client) -> None:
    with pytest.raises(InvalidAdapter) as caught:
        client.push("sentiment", NEWER.replace(b'"F32"', b'"F99"'))

    assert len(caught.value.errors) == 2


def test_an_adapter_for_another_backbone_is_refused(client: Client) -> None:
    other = SAMPLE_BACKBONE.model_copy(update={"digest": "sha256:" + "0" * 64})

    with pytest.raises(BackboneMismatch, match="made for another backbone"):
        client.push("sentiment", random_file(sample_spec(backbone=other)))


def test_an_alias_moves_from_where_it_was_expected_only(client: Client) -> None:
    client.push("sentiment", NEWER)

    with pytest.raises(AliasConflict):
        client.point("sentiment", "live", 2, expected=None)
    moved = client.point("sentiment", "live", 2, expected=1, reason="better")

    assert (moved.version, moved.aliases) == (2, ["live"])
    assert client.task("sentiment").live == 2
    assert client.predict("sentiment", "a").version == 2


def test_listings_are_whole_over_many_pages(client: Client) -> None:
    for name in ("a", "b", "c"):
        client.push(name, NEWER)
    client.push("sentiment", NEWER)

    assert [task.task for task in client.tasks(page_size=1)] == ["a", "b", "c", "sentiment"]
    assert [task.task for task in client.tasks(query="sent")] == ["sentiment"]
    assert list(client.tasks(kind="tagging")) == []
    assert [each.version for each in client.versions("sentiment", page_size=1)] == [2, 1]


async def test_the_asynchronous_client_does_the_same(
    async_client: AsyncClient, tmp_path: Path
) -> None:
    publication = await async_client.push("sentiment", NEWER)
    await async_client.point("sentiment", "live", 2, expected=1)
    answer = await async_client.predict("sentiment", ["a", "b"])
    version = await async_client.pull("sentiment", tmp_path / "a")

    assert (answer.version, len(answer.predictions)) == (2, 2)
    assert version.digest == publication.record.digest
    assert [task.live async for task in async_client.tasks()] == [2]
    assert await async_client.ready()
