"""POST /predict/{reference}: one task, its inputs, and everything that can be wrong with them."""

import math
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from fake_engine import FakeEngine
from http_exchange import exchange
from multitap.wire import PredictAnswer
from multitap_registry.contract import VersionRecord
from multitap_registry.errors import CorruptBlob
from multitap_registry.memory import MemoryRegistry
from multitap_server.engine.contract import TextRow
from multitap_server.engine.errors import (
    AdapterUnavailable,
    DeadlineExceeded,
    EngineStopped,
    Overloaded,
    UnsupportedAdapter,
)
from problem_reading import read_code, read_faults, read_problem
from publishing import publish
from sample_adapters import SAMPLE_BACKBONE, random_file, sample_spec

Publish = Callable[..., VersionRecord]
FOREIGN = SAMPLE_BACKBONE.model_copy(update={"digest": "sha256:" + "f" * 64})


@pytest.fixture
def record(publish_task: Publish) -> VersionRecord:
    return publish_task("mood")


async def post(client: httpx.AsyncClient, body: object, reference: str = "mood") -> httpx.Response:
    return await client.post(f"/predict/{reference}", json=body)


async def test_an_answer_names_task_version_digest_and_kind(
    client: httpx.AsyncClient, record: VersionRecord
) -> None:
    answer = PredictAnswer.model_validate_json((await post(client, {"inputs": "hi"})).content)

    assert (answer.task, answer.version, answer.digest) == ("mood", 1, record.digest)
    assert answer.kind == "classification"


@pytest.mark.usefixtures("record")
async def test_one_input_gives_a_list_of_one_prediction(client: httpx.AsyncClient) -> None:
    # ids 1, 2, 2: the logits are 5 and 4
    response = await post(client, {"inputs": "hi"})

    score = pytest.approx(1 / (1 + math.exp(-1)))
    assert response.status_code == 200
    assert response.json()["predictions"] == [{"label": "no", "score": score}]


@pytest.mark.usefixtures("record")
async def test_predictions_stand_in_the_order_of_the_inputs(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    inputs = ["a", {"text": "b", "text_pair": "cc dd"}, {"text": "e"}]
    response = await post(client, {"inputs": inputs})

    assert len(response.json()["predictions"]) == 3
    [(rows, _)] = engine.encoded
    assert rows == [TextRow("a"), TextRow("b", "cc dd"), TextRow("e")]


@pytest.mark.usefixtures("record")
async def test_usage_counts_rows_tokens_and_truncated_rows(client: httpx.AsyncClient) -> None:
    response = await post(client, {"inputs": ["one two", "w " * 40]})

    assert response.json()["usage"] == {"rows": 2, "tokens": 4 + 32, "truncated": 1}


async def test_top_k_gives_scores_best_first(
    client: httpx.AsyncClient, publish_task: Publish, engine: FakeEngine
) -> None:
    publish_task("mood", labels=("low", "mid", "high"))
    engine.logits = [0.0, 1.0, 2.0]
    response = await post(client, {"inputs": "x", "parameters": {"top_k": 2}})

    [prediction] = response.json()["predictions"]
    assert [each["label"] for each in prediction["scores"]] == ["high", "mid"]
    assert prediction["label"] == "high"
    assert prediction["score"] == prediction["scores"][0]["score"]


@pytest.mark.usefixtures("record")
async def test_scores_are_absent_without_top_k(client: httpx.AsyncClient) -> None:
    response = await post(client, {"inputs": "x"})

    assert set(response.json()["predictions"][0]) == {"label", "score"}


@pytest.mark.parametrize("reference", ["mood", "mood@live", "mood@1"])
@pytest.mark.usefixtures("record")
async def test_a_reference_may_name_an_alias_or_a_version(
    client: httpx.AsyncClient, reference: str
) -> None:
    assert (await post(client, {"inputs": "x"}, reference)).json()["version"] == 1


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("nothing", "task_not_found"),
        ("Not!A!Task", "task_not_found"),
        ("mood@2", "version_not_found"),
        ("mood@0", "version_not_found"),
        ("mood@99999999999999999999999999", "version_not_found"),
        ("mood@candidate", "alias_not_found"),
        ("mood@Not!An!Alias", "alias_not_found"),
        ("mood@", "alias_not_found"),
    ],
)
@pytest.mark.usefixtures("record")
async def test_a_reference_to_nothing_is_not_found(
    client: httpx.AsyncClient, reference: str, code: str
) -> None:
    response = await post(client, {"inputs": "x"}, reference)

    assert response.status_code == 404
    assert read_problem(response).code == code


async def test_a_task_for_another_backbone_is_a_conflict(
    client: httpx.AsyncClient, registry: MemoryRegistry
) -> None:
    publish(registry, "mood", random_file(sample_spec(backbone=FOREIGN)))
    response = await post(client, {"inputs": "x"})

    assert read_code(response) == (409, "backbone_mismatch")


@pytest.mark.usefixtures("record")
async def test_an_adapter_that_the_engine_cannot_run_never_falls_back(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    engine.unsupported = UnsupportedAdapter("method 'lora' does not run here")
    response = await post(client, {"inputs": "x"})

    assert read_code(response) == (422, "invalid_adapter")
    assert engine.submitted == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("inputs", "this field is missing")]),
        ({"inputs": []}, [("inputs", "list should have at least 1 item after validation, not 0")]),
        ({"inputs": 3}, [("inputs", "input should be a string or an object")]),
        ({"inputs": None}, [("inputs", "input should be a string or an object")]),
        ({"inputs": ["a", 3]}, [("inputs.1", "input should be a string or an object")]),
        ({"inputs": {"text": 3}}, [("inputs.text", "input should be a valid string")]),
        (
            {"inputs": ["a", {"txt": "b"}]},
            [
                ("inputs.1.text", "this field is missing"),
                ("inputs.1.txt", "this field is unknown"),
            ],
        ),
        ({"inputs": "a", "parameter": {}}, [("parameter", "this field is unknown")]),
        (
            {"inputs": "a", "parameters": {"top_k": "2", "topk": 1}},
            [
                ("parameters.top_k", "input should be a valid integer"),
                ("parameters.topk", "this field is unknown"),
            ],
        ),
        (
            {"inputs": "a", "parameters": {"top_k": 0}},
            [("parameters.top_k", "input should be greater than or equal to 1")],
        ),
        (
            {"inputs": "a", "parameters": {"timeout_ms": 10**30}},
            [("parameters.timeout_ms", "input should be less than or equal to 600000")],
        ),
        (
            {"inputs": "a", "parameters": {"threshold": 0.5, "normalize": True}},
            [
                ("parameters.normalize", "a classification task does not take this parameter"),
                ("parameters.threshold", "a classification task does not take this parameter"),
            ],
        ),
    ],
)
@pytest.mark.usefixtures("record")
async def test_every_fault_of_a_body_is_listed_with_its_place(
    client: httpx.AsyncClient, body: object, expected: list[tuple[str, str]]
) -> None:
    response = await post(client, body)

    assert read_code(response) == (422, "invalid_request")
    assert read_faults(response) == expected


@pytest.mark.parametrize("body", [[], "text", 3, True])
@pytest.mark.usefixtures("record")
async def test_a_body_that_is_no_object_is_a_fault_of_the_body(
    client: httpx.AsyncClient, body: object
) -> None:
    response = await post(client, body)

    assert response.status_code == 422
    assert [at for at, _ in read_faults(response)] == ["body"]


@pytest.mark.usefixtures("record")
async def test_inputs_that_do_not_fit_the_kind_are_all_listed(client: httpx.AsyncClient) -> None:
    question = {"question": "who", "context": "he"}
    response = await post(client, {"inputs": [question, "fine", {"tokens": ["a"]}]})

    assert read_faults(response) == [
        ("inputs.0", "a classification task takes a text or a pair of texts, got a question"),
        (
            "inputs.2",
            "a classification task takes a text or a pair of texts, got a list of tokens",
        ),
    ]


@pytest.mark.usefixtures("record")
async def test_every_text_that_is_too_long_to_be_left_whole_is_listed(
    client: httpx.AsyncClient,
) -> None:
    inputs = ["w " * 40, "short", "w " * 31]
    response = await post(client, {"inputs": inputs, "parameters": {"truncate": False}})

    assert read_faults(response) == [
        ("inputs.0", "42 tokens, expected at most 32"),
        ("inputs.2", "33 tokens, expected at most 32"),
    ]


@pytest.mark.usefixtures("record")
async def test_too_many_rows_are_too_large(client: httpx.AsyncClient) -> None:
    response = await post(client, {"inputs": ["x"] * 9})

    assert read_code(response) == (413, "too_large")


@pytest.mark.usefixtures("record")
async def test_too_many_characters_in_a_row_are_too_large(client: httpx.AsyncClient) -> None:
    whole = await post(client, {"inputs": "x" * 400})
    pair = await post(client, {"inputs": {"text": "x" * 200, "text_pair": "y" * 201}})

    assert whole.status_code == 200
    assert read_problem(pair).detail == "an input has more than 400 characters"


async def test_too_many_scores_are_too_large(
    client: httpx.AsyncClient, publish_task: Publish
) -> None:
    publish_task("mood", labels=("a", "b", "c"))
    parameters = {"top_k": 3}
    fine = await post(client, {"inputs": ["x"] * 3, "parameters": parameters})
    large = await post(client, {"inputs": ["x"] * 4, "parameters": parameters})

    assert (fine.status_code, large.status_code) == (200, 413)


async def test_many_outputs_are_decoded_as_few_are(
    client: httpx.AsyncClient, publish_task: Publish
) -> None:
    labels = tuple(f"label-{index}" for index in range(5_000))
    publish_task("mood", labels=labels)
    response = await post(client, {"inputs": ["a"] * 8})

    assert [each["label"] for each in response.json()["predictions"]] == ["label-0"] * 8


@pytest.mark.usefixtures("record")
async def test_many_short_rows_are_encoded_in_a_thread_with_the_same_answer(
    client: httpx.AsyncClient,
) -> None:
    alone = (await post(client, {"inputs": "w " * 150})).json()["predictions"]
    together = (await post(client, {"inputs": ["w " * 150] * 8})).json()["predictions"]

    assert together == alone * 8


@pytest.mark.usefixtures("record")
async def test_a_full_queue_says_when_to_come_back(
    client: httpx.AsyncClient, engine: FakeEngine, record: VersionRecord
) -> None:
    engine.submit_errors[record.digest] = Overloaded(1.2)
    response = await post(client, {"inputs": "x"})

    assert read_code(response) == (429, "overloaded")
    assert response.headers["retry-after"] == "2"


async def test_a_wait_below_a_second_is_announced_as_one(
    client: httpx.AsyncClient, engine: FakeEngine, record: VersionRecord
) -> None:
    engine.submit_errors[record.digest] = Overloaded(0.01)

    assert (await post(client, {"inputs": "x"})).headers["retry-after"] == "1"


async def test_the_deadline_covers_the_wait_for_the_engine(
    client: httpx.AsyncClient, engine: FakeEngine, record: VersionRecord
) -> None:
    engine.held = True
    response = await post(client, {"inputs": "x", "parameters": {"timeout_ms": 400}})

    assert read_code(response) == (504, "deadline_exceeded")
    assert read_problem(response).detail == "no answer within 400 ms"
    [(future, digest, _)] = engine.waiting
    assert future.cancelled()
    assert digest == record.digest


async def test_the_engine_is_told_the_time_that_is_left(
    client: httpx.AsyncClient, engine: FakeEngine, record: VersionRecord
) -> None:
    await post(client, {"inputs": "x", "parameters": {"timeout_ms": 5_000}})

    [(digest, _, timeout_s)] = engine.submitted
    assert digest == record.digest
    assert timeout_s is not None
    assert 4 < timeout_s <= 5


async def test_a_deadline_that_the_engine_missed_is_named_as_it_was_given(
    client: httpx.AsyncClient, engine: FakeEngine, record: VersionRecord
) -> None:
    engine.result_errors[record.digest] = DeadlineExceeded(1.9)
    response = await post(client, {"inputs": "x", "parameters": {"timeout_ms": 2_000}})

    assert read_problem(response).detail == "no answer within 2000 ms"


async def test_an_adapter_that_cannot_be_read_is_unavailable(
    client: httpx.AsyncClient, engine: FakeEngine, record: VersionRecord
) -> None:
    engine.result_errors[record.digest] = AdapterUnavailable(record.digest, "disk is gone")
    response = await post(client, {"inputs": "x"})

    assert read_code(response) == (503, "unavailable")
    assert response.headers["retry-after"] == "5"
    assert "disk" not in response.text


async def test_an_adapter_whose_bytes_are_damaged_is_a_corrupt_blob(
    client: httpx.AsyncClient, engine: FakeEngine, record: VersionRecord
) -> None:
    error = AdapterUnavailable(record.digest, "damaged")
    error.__cause__ = CorruptBlob(record.digest, None)
    engine.result_errors[record.digest] = error
    response = await post(client, {"inputs": "x"})

    assert read_code(response) == (500, "corrupt_blob")


async def test_a_stopped_engine_is_unavailable(
    client: httpx.AsyncClient, engine: FakeEngine, record: VersionRecord
) -> None:
    engine.submit_errors[record.digest] = EngineStopped("stopped")

    assert read_problem(await post(client, {"inputs": "x"})).code == "unavailable"


async def test_an_unforeseen_failure_says_nothing_but_its_request_id(
    client: httpx.AsyncClient,
    engine: FakeEngine,
    record: VersionRecord,
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine.result_errors[record.digest] = RuntimeError("secret of the house")
    response = await post(client, {"inputs": "x"})

    assert read_code(response) == (500, "internal")
    assert "secret" not in response.text
    assert read_problem(response).request_id in caplog.text


@pytest.mark.usefixtures("record")
async def test_outputs_that_are_not_finite_are_an_internal_error(
    client: httpx.AsyncClient, engine: FakeEngine
) -> None:
    engine.logits = [math.nan, 1.0]

    assert read_problem(await post(client, {"inputs": "x"})).code == "internal"


@pytest.mark.usefixtures("record")
async def test_inputs_and_outputs_are_never_logged(
    client: httpx.AsyncClient, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="multitap")
    await post(client, {"inputs": "confidential"})
    engine.logits = [math.nan, 1.0]
    await post(client, {"inputs": "confidential"})
    await post(client, {"inputs": {"confidential": 3}})

    assert "POST /predict/{reference} 200" in caplog.text
    assert "confidential" not in caplog.text


async def test_a_client_that_goes_away_cancels_its_rows(
    app: FastAPI, engine: FakeEngine, record: VersionRecord
) -> None:
    engine.held = True
    parts: list[Message] = [
        {"type": "http.request", "body": b'{"inputs":"x"}'},
        {"type": "http.disconnect"},
    ]
    sent = await exchange(app, "/predict/mood", parts)

    assert sent == []
    [(future, digest, _)] = engine.waiting
    assert future.cancelled()
    assert digest == record.digest
