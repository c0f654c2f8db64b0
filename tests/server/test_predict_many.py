"""POST /predict: many tasks in one call, in both of its forms."""

from collections.abc import Callable

import httpx
import pytest

from every_kind import HEADS, TAGS
from fake_engine import FakeEngine
from multitap.wire import (
    PredictAnswer,
    ProblemResult,
    RowAnswer,
    RowsPredictAnswer,
    TasksPredictAnswer,
)
from multitap_adapters.spec import AdapterSpec
from multitap_registry.contract import VersionRecord
from multitap_registry.memory import MemoryRegistry
from multitap_server.engine.contract import TextRow
from multitap_server.engine.errors import DeadlineExceeded, Overloaded
from problem_reading import read_code, read_faults
from publishing import publish
from sample_adapters import SAMPLE_BACKBONE, random_file

Publish = Callable[..., VersionRecord]


@pytest.fixture
def mood(publish_task: Publish) -> VersionRecord:
    return publish_task("mood")


@pytest.fixture
def topic(publish_task: Publish) -> VersionRecord:
    return publish_task("topic", labels=("a", "b", "c"))


async def ask_tasks(client: httpx.AsyncClient, body: object) -> list[PredictAnswer | ProblemResult]:
    response = await client.post("/predict", json=body)
    assert response.status_code == 200
    return TasksPredictAnswer.model_validate_json(response.content).results


async def ask_rows(client: httpx.AsyncClient, body: object) -> list[RowAnswer | ProblemResult]:
    response = await client.post("/predict", json=body)
    assert response.status_code == 200
    return RowsPredictAnswer.model_validate_json(response.content).results


def codes(
    results: list[PredictAnswer | ProblemResult] | list[RowAnswer | ProblemResult],
) -> list[str]:
    return [each.problem.code if isinstance(each, ProblemResult) else "" for each in results]


@pytest.mark.usefixtures("mood", "topic")
async def test_every_input_goes_through_every_task(client: httpx.AsyncClient) -> None:
    results = await ask_tasks(client, {"tasks": ["topic", "mood@1"], "inputs": ["x", "y z"]})

    assert [
        (each.task, len(each.predictions)) for each in results if isinstance(each, PredictAnswer)
    ] == [("topic", 2), ("mood", 2)]


@pytest.mark.usefixtures("mood", "topic")
async def test_each_task_answers_as_it_does_alone(client: httpx.AsyncClient) -> None:
    alone = await client.post("/predict/topic", json={"inputs": ["x", "y z"]})
    together = await client.post(
        "/predict", json={"tasks": ["mood", "topic"], "inputs": ["x", "y z"]}
    )

    assert together.json()["results"][1] == alone.json()


@pytest.mark.usefixtures("mood", "topic")
async def test_inputs_are_tokenized_once_for_all_tasks(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    await ask_tasks(client, {"tasks": ["mood", "topic"], "inputs": ["x", "y", "x"]})

    [(rows, max_tokens)] = engine.encoded
    assert [row.text for row in rows] == ["x", "y"]
    assert max_tokens == 32


@pytest.mark.usefixtures("mood")
async def test_inputs_are_tokenized_once_for_each_form_that_tasks_take(
    client: httpx.AsyncClient, engine: FakeEngine, registry: MemoryRegistry
) -> None:
    spec = AdapterSpec(backbone=SAMPLE_BACKBONE, max_tokens=32, head=HEADS["tagging"])
    for seed, task in enumerate(("who", "where")):
        record = publish(registry, task, random_file(spec, seed)).record
        engine.labels[record.digest] = len(TAGS)
        engine.over_tokens.add(record.digest)

    results = await ask_tasks(client, {"tasks": ["who", "mood", "where"], "inputs": ["x", "x y"]})

    assert codes(results) == ["", "", ""]
    assert engine.encoded == [([TextRow("x"), TextRow("x y")], 32)]
    assert engine.windowed == [([TextRow("x"), TextRow("x y")], 32)]


@pytest.mark.usefixtures("mood", "topic")
async def test_all_parts_are_submitted_before_any_is_awaited(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    engine.together = 2
    body = {"tasks": ["mood", "topic"], "inputs": "x", "parameters": {"timeout_ms": 5_000}}

    assert codes(await ask_tasks(client, body)) == ["", ""]


@pytest.mark.usefixtures("mood")
async def test_a_task_that_fails_leaves_the_others_alone(client: httpx.AsyncClient) -> None:
    results = await ask_tasks(
        client, {"tasks": ["mood", "nothing", "mood@9", "mood@x", "Bad!"], "inputs": "x"}
    )

    assert codes(results) == [
        "",
        "task_not_found",
        "version_not_found",
        "alias_not_found",
        "task_not_found",
    ]


async def test_a_part_without_room_in_the_queue_is_its_own_problem(
    client: httpx.AsyncClient, engine: FakeEngine, mood: VersionRecord, topic: VersionRecord
) -> None:
    engine.submit_errors[mood.digest] = Overloaded(1)
    engine.result_errors[topic.digest] = DeadlineExceeded(1)

    results = await ask_tasks(client, {"tasks": ["mood", "topic"], "inputs": "x"})

    assert codes(results) == ["overloaded", "deadline_exceeded"]


async def test_an_unforeseen_failure_of_a_part_is_logged_under_the_request_id(
    client: httpx.AsyncClient,
    engine: FakeEngine,
    mood: VersionRecord,
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine.result_errors[mood.digest] = RuntimeError("worker lost")
    [result] = await ask_tasks(client, {"tasks": ["mood"], "inputs": "x"})

    assert isinstance(result, ProblemResult)
    assert result.problem.code == "internal"
    assert result.problem.request_id in caplog.text
    assert "worker lost" not in result.problem.detail


@pytest.mark.usefixtures("mood", "topic")
async def test_rows_of_any_mix_are_answered_in_order(client: httpx.AsyncClient) -> None:
    rows = [
        {"task": "topic", "input": "x"},
        {"task": "mood", "input": {"text": "y"}},
        {"task": "topic@1", "input": "z z"},
    ]
    results = await ask_rows(client, {"rows": rows})

    assert [each.task for each in results if isinstance(each, RowAnswer)] == [
        "topic",
        "mood",
        "topic",
    ]


@pytest.mark.usefixtures("mood", "topic")
async def test_a_row_answers_as_it_does_alone(client: httpx.AsyncClient) -> None:
    alone = (await client.post("/predict/mood", json={"inputs": "a bb"})).json()
    rows = [{"task": "topic", "input": "x"}, {"task": "mood", "input": "a bb"}]
    together = (await client.post("/predict", json={"rows": rows})).json()["results"][1]

    assert together.pop("prediction") == alone.pop("predictions")[0]
    del alone["usage"]
    assert together == alone


async def test_rows_of_one_adapter_are_one_submission(
    client: httpx.AsyncClient, engine: FakeEngine, mood: VersionRecord, topic: VersionRecord
) -> None:
    tasks = ["mood", "topic", "mood@1", "mood@live"]
    await ask_rows(client, {"rows": [{"task": task, "input": "x"} for task in tasks]})

    assert [(digest, rows) for digest, rows, _ in engine.submitted] == [
        (mood.digest, 3),
        (topic.digest, 1),
    ]


@pytest.mark.usefixtures("mood")
async def test_a_row_that_fails_leaves_the_others_alone(client: httpx.AsyncClient) -> None:
    rows = [
        {"task": "mood", "input": {"tokens": ["a"]}},
        {"task": "nothing", "input": "x"},
        {"task": "mood", "input": "w " * 40},
        {"task": "mood", "input": "fine"},
    ]
    results = await ask_rows(client, {"rows": rows, "parameters": {"truncate": False}})

    assert codes(results) == ["invalid_request", "task_not_found", "invalid_request", ""]
    [first, _, third, _] = results
    assert isinstance(first, ProblemResult)
    assert isinstance(third, ProblemResult)
    assert [fault.at for fault in first.problem.errors or []] == ["rows.0.input"]
    assert [fault.at for fault in third.problem.errors or []] == ["rows.2.input"]


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["tasks", "inputs"]),
        ({"tasks": [], "inputs": "x"}, ["tasks"]),
        ({"tasks": ["mood"]}, ["inputs"]),
        ({"tasks": "mood", "inputs": "x"}, ["tasks"]),
        ({"tasks": [1, 2], "inputs": "x"}, ["tasks.0"]),
        ({"rows": []}, ["rows"]),
        ({"rows": {}}, ["rows"]),
        ({"rows": ["x"]}, ["rows.0"]),
        ({"rows": [{"task": 1, "inputs": "x"}]}, ["rows.0.task", "rows.0.input", "rows.0.inputs"]),
        ({"rows": [{"task": "mood", "input": "x"}], "tasks": ["mood"]}, ["tasks"]),
    ],
)
@pytest.mark.usefixtures("mood")
async def test_faults_of_the_whole_body_are_an_ordinary_problem(
    client: httpx.AsyncClient, body: object, places: list[str]
) -> None:
    response = await client.post("/predict", json=body)

    assert read_code(response) == (422, "invalid_request")
    assert [at for at, _ in read_faults(response)] == places


@pytest.mark.usefixtures("mood")
async def test_rows_count_once_for_every_task(client: httpx.AsyncClient) -> None:
    fine = await client.post("/predict", json={"tasks": ["mood"] * 2, "inputs": ["x"] * 4})
    large = await client.post("/predict", json={"tasks": ["mood"] * 3, "inputs": ["x"] * 3})

    assert fine.status_code == 200
    assert read_code(large) == (413, "too_large")


@pytest.mark.parametrize("field", ["rows", "tasks", "inputs"])
async def test_long_lists_are_refused_before_their_entries_are_looked_at(
    client: httpx.AsyncClient, field: str
) -> None:
    response = await client.post("/predict", json={field: [0] * 9})

    assert read_code(response) == (413, "too_large")
