"""The client over a real connection, against scripted answers."""

import hashlib
import json
import socket
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from client.documents import ANSWER, TASK, VERSION, problem
from client.scripted_server import Script
from multitap import (
    AliasConflict,
    AliasNotFound,
    Client,
    ConnectionFailed,
    DigestMismatch,
    Overloaded,
    ProblemResult,
    RequestTimedOut,
    Retries,
    ServerError,
    TaskNotFound,
    TooLarge,
)
from multitap.predictions import ClassificationPrediction

CONTENT = b"weights" * 100_000
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def client(script: Script) -> Iterator[Client]:
    with Client(script.url, retries=Retries(limit=2, first_wait_s=0)) as client:
        yield client


@contextmanager
def hanging_up(answers: int) -> Generator[str]:
    """Serve a port that reads each request, and then closes without an answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            for _ in range(answers):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65_536)

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


def test_a_prediction_comes_back_typed(script: Script, client: Client) -> None:
    script.answer(JSONResponse(ANSWER))

    answer = client.predict("sentiment", ["A joy."], top_k=1)

    assert (answer.task, answer.version, answer.typed(ClassificationPrediction)[0].label) == (
        "sentiment",
        3,
        "positive",
    )
    [seen] = script.seen
    assert (seen.method, seen.path) == ("POST", "/predict/sentiment")
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["user-agent"].startswith("multitap/")
    assert json.loads(seen.body) == {"inputs": ["A joy."], "parameters": {"top_k": 1}}


def test_a_base_url_may_have_a_path(script: Script) -> None:
    script.answer(JSONResponse(ANSWER))

    with Client(f"{script.url}/models/") as client:
        client.predict("sentiment", "a")

    assert script.seen[0].path == "/models/predict/sentiment"


def test_many_tasks_answer_in_order_and_failures_stand_in_their_place(
    script: Script, client: Client
) -> None:
    failed = {
        "title": "T",
        "status": 404,
        "code": "task_not_found",
        "detail": "no",
        "request_id": "r",
    }
    script.answer(JSONResponse({"results": [ANSWER, {"problem": failed}]}))

    first, second = client.predict_tasks(["sentiment", "none"], "a").results

    assert not isinstance(first, ProblemResult)
    assert isinstance(second, ProblemResult)
    assert second.problem.code == "task_not_found"


def test_rows_answer_in_order(script: Script, client: Client) -> None:
    row = {key: value for key, value in ANSWER.items() if key != "predictions"}
    row["prediction"] = {"label": "positive", "score": 0.75}
    script.answer(JSONResponse({"results": [row]}))

    [result] = client.predict_rows([("sentiment", "a")], timeout_ms=900).results

    assert not isinstance(result, ProblemResult)
    assert result.typed(ClassificationPrediction).score == 0.75


def test_tasks_are_iterated_page_after_page(script: Script, client: Client) -> None:
    script.answer(
        JSONResponse({"tasks": [TASK], "next": "CUR"}),
        JSONResponse({"tasks": [TASK | {"task": "spam"}], "next": None}),
    )

    names = [task.task for task in client.tasks(page_size=1)]

    assert names == ["sentiment", "spam"]
    assert [seen.query for seen in script.seen] == ["limit=1", "limit=1&after=CUR"]


def test_versions_are_iterated_page_after_page(script: Script, client: Client) -> None:
    script.answer(
        JSONResponse({"versions": [VERSION], "next": "CUR"}),
        JSONResponse({"versions": [VERSION | {"version": 2}], "next": None}),
    )

    assert [each.version for each in client.versions("sentiment")] == [3, 2]


def test_one_task_and_one_version_are_looked_up_by_name(script: Script, client: Client) -> None:
    script.answer(JSONResponse(TASK), JSONResponse(VERSION))

    assert client.task("sentiment").live == 3
    assert client.version("sentiment", 3).size_bytes == 5
    assert [seen.path for seen in script.seen] == [
        "/tasks/sentiment",
        "/tasks/sentiment/versions/3",
    ]


def test_a_push_streams_the_file_and_says_what_it_became(
    script: Script, client: Client, tmp_path: Path
) -> None:
    script.answer(JSONResponse(VERSION, status_code=201))
    path = tmp_path / "a.safetensors"
    path.write_bytes(CONTENT)
    progress: list[int] = []

    publication = client.push(
        "sentiment", path, alias="next", progress=lambda n, _: progress.append(n)
    )

    assert publication.created
    [seen] = script.seen
    assert (seen.path, seen.query, seen.body) == (
        "/tasks/sentiment/versions",
        "alias=next",
        CONTENT,
    )
    assert seen.headers["content-length"] == str(len(CONTENT))
    assert "transfer-encoding" not in seen.headers
    assert progress[-1] == len(CONTENT)


def test_a_repeated_push_sends_the_file_from_its_start(script: Script, client: Client) -> None:
    busy = problem("overloaded", 429, headers={"retry-after": "0"})
    script.answer(busy, JSONResponse(VERSION, status_code=200))

    publication = client.push("sentiment", CONTENT)

    assert not publication.created
    assert [seen.body for seen in script.seen] == [CONTENT, CONTENT]


def test_a_push_of_a_file_that_is_not_there_sends_nothing(script: Script, client: Client) -> None:
    with pytest.raises(FileNotFoundError):
        client.push("sentiment", "none.safetensors")

    assert script.seen == []


def test_a_pull_by_alias_writes_the_checked_bytes(
    script: Script, client: Client, tmp_path: Path
) -> None:
    record = VERSION | {"version": 4, "digest": DIGEST}
    script.answer(JSONResponse(TASK), JSONResponse(record), Response(CONTENT))

    version = client.pull("sentiment@next", tmp_path / "a")

    assert version.version == 4
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert [seen.path for seen in script.seen] == [
        "/tasks/sentiment",
        "/tasks/sentiment/versions/4",
        "/tasks/sentiment/versions/4/file",
    ]


def test_a_pull_of_other_bytes_writes_nothing(
    script: Script, client: Client, tmp_path: Path
) -> None:
    script.answer(JSONResponse(VERSION | {"digest": DIGEST}), Response(b"something else"))

    with pytest.raises(DigestMismatch):
        client.pull("sentiment@3", tmp_path / "a")

    assert list(tmp_path.iterdir()) == []


def test_a_pull_that_the_server_refuses_raises_by_code(
    script: Script, client: Client, tmp_path: Path
) -> None:
    script.answer(JSONResponse(VERSION), problem("task_not_found", 404, "no task"))

    with pytest.raises(TaskNotFound, match="no task"):
        client.pull("sentiment@3", tmp_path / "a")


def test_a_pull_by_an_unknown_alias_names_it(
    script: Script, client: Client, tmp_path: Path
) -> None:
    script.answer(JSONResponse(TASK))

    with pytest.raises(AliasNotFound, match="no alias 'old'"):
        client.pull("sentiment@old", tmp_path / "a")


def test_pointing_sends_what_is_expected(script: Script, client: Client) -> None:
    script.answer(JSONResponse(VERSION))

    version = client.point("sentiment", "live", 3, expected=None, reason="first")

    assert version.version == 3
    [seen] = script.seen
    assert (seen.method, seen.path) == ("PUT", "/tasks/sentiment/aliases/live")
    assert json.loads(seen.body) == {"version": 3, "expected": None, "reason": "first"}


def test_a_conflict_is_not_tried_again(script: Script, client: Client) -> None:
    script.answer(problem("alias_conflict", 409, "is at version 4"))

    with pytest.raises(AliasConflict, match="is at version 4"):
        client.point("sentiment", "live", 3, expected=2)

    assert len(script.seen) == 1


def test_readiness_is_one_question(script: Script, client: Client) -> None:
    script.answer(problem("unavailable", 503, headers={"retry-after": "5"}))

    assert not client.ready()
    assert len(script.seen) == 1


def test_a_busy_server_is_asked_again(script: Script, client: Client) -> None:
    busy = problem("overloaded", 429, headers={"retry-after": "0"})
    script.answer(busy, PlainTextResponse("starting", status_code=503), JSONResponse(ANSWER))

    assert client.predict("sentiment", "a").version == 3
    assert len(script.seen) == 3


def test_a_server_that_stays_busy_is_left_alone_after_the_limit(
    script: Script, client: Client
) -> None:
    script.answer(problem("overloaded", 429, "the queue is full", headers={"retry-after": "0"}))

    with pytest.raises(Overloaded, match="the queue is full") as caught:
        client.predict("sentiment", "a")

    assert len(script.seen) == 3
    assert caught.value.retry_after_s == 0


def test_a_wait_that_is_too_long_is_left_to_the_caller(script: Script, client: Client) -> None:
    script.answer(problem("overloaded", 429, headers={"retry-after": "3600"}))

    with pytest.raises(Overloaded) as caught:
        client.predict("sentiment", "a")

    assert caught.value.retry_after_s == 3_600
    assert len(script.seen) == 1


def test_a_proxys_page_is_a_server_error(script: Script, client: Client) -> None:
    script.answer(PlainTextResponse("Bad Gateway", status_code=502))

    with pytest.raises(ServerError, match=r"answered 502 \(text/plain.*'Bad Gateway'"):
        client.task("sentiment")


def test_a_refusal_before_the_whole_body_was_read_is_understood(
    script: Script, client: Client
) -> None:
    script.refuse_unread = problem("too_large", 413, "larger than 5 bytes")

    with pytest.raises(TooLarge, match="larger than 5 bytes"):
        client.push("sentiment", CONTENT * 10)


def test_a_broken_connection_is_tried_again_as_often_as_the_limit_says() -> None:
    with (
        hanging_up(answers=2) as url,
        Client(url, retries=Retries(limit=1, first_wait_s=0)) as client,
        pytest.raises(ConnectionFailed, match="broke: Server disconnected"),
    ):
        client.predict("sentiment", "a")


def test_a_move_without_expectation_is_not_repeated_over_a_broken_connection() -> None:
    with (
        hanging_up(answers=1) as url,
        Client(url, retries=Retries(limit=1, first_wait_s=0)) as client,
        pytest.raises(ConnectionFailed, match="broke"),
    ):
        client.point("sentiment", "live", 3)


def test_a_closed_port_is_a_failed_connection(closed_port: str) -> None:
    with (
        Client(closed_port, retries=Retries(first_wait_s=0)) as client,
        pytest.raises(ConnectionFailed, match=f"cannot connect to {closed_port}: ") as caught,
    ):
        client.task("sentiment")

    assert not caught.value.sent


def test_a_server_that_does_not_answer_is_a_timeout() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Client(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.05) as client,
        pytest.raises(RequestTimedOut, match=r"in time \(reading\)"),
    ):
        client.task("sentiment")


def test_one_client_serves_many_threads(script: Script, client: Client) -> None:
    script.answer(JSONResponse(ANSWER))
    versions: list[int] = []

    def ask() -> None:
        versions.extend(client.predict("sentiment", "a").version for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert versions == [3] * 40
