"""Calls as values: what is sent."""

import json
import math
from typing import Any

import pytest

from multitap import InvalidInput, TextInput, calls
from multitap.calls import Call, InputsLike, RowLike, Settings, TaskFilter
from multitap.files import UploadSource
from multitap.wire import (
    Parameters,
    PredictRequest,
    QuestionInput,
    RowRequest,
    RowsPredictRequest,
    TasksPredictRequest,
    TokensInput,
    UploadRequest,
)
from multitap_server.routes.tasks import TasksQuery

DEFAULTS = Settings()


def body_of(call: Call[Any]) -> bytes:
    """Return the JSON that a call sends."""
    assert isinstance(call.body, bytes)
    return call.body


@pytest.mark.parametrize(
    ("inputs", "sent"),
    [
        ("one", "one"),
        (["one", "two"], ["one", "two"]),
        (iter(["one"]), ["one"]),
        (TextInput(text="a"), {"text": "a"}),
        ([TextInput(text="a", text_pair="b")], [{"text": "a", "text_pair": "b"}]),
        ({"text": "a"}, {"text": "a"}),
        ([{"text": "a"}, "b"], [{"text": "a"}, "b"]),
        (QuestionInput(question="q", context="c"), {"question": "q", "context": "c"}),
        ([TokensInput(tokens=["x", "y"])], [{"tokens": ["x", "y"]}]),
    ],
)
def test_inputs_are_sent_in_the_form_they_were_given(inputs: InputsLike, sent: object) -> None:
    call = calls.predict("sentiment", inputs, DEFAULTS)

    assert json.loads(body_of(call)) == {"inputs": sent}
    PredictRequest.model_validate_json(body_of(call))


def test_settings_are_sent_only_where_they_differ_from_the_contracts_defaults() -> None:
    settings = Settings(top_k=2, timeout_ms=500, truncate=False)

    sent = json.loads(body_of(calls.predict("sentiment", "a", settings)))

    assert sent["parameters"] == {"top_k": 2, "timeout_ms": 500, "truncate": False}


def test_every_parameter_of_the_contract_can_be_sent() -> None:
    settings = Settings(
        top_k=2,
        timeout_ms=500,
        truncate=False,
        threshold=0.0,
        aggregation="token",
        max_answer_tokens=5,
        normalize=False,
    )
    call = calls.predict("a", "b", settings)

    request = PredictRequest.model_validate_json(body_of(call))
    assert request.parameters.model_fields_set == set(Parameters.model_fields)
    assert (request.parameters.threshold, request.parameters.normalize) == (0.0, False)


def test_a_deadline_is_waited_for_with_some_grace() -> None:
    assert calls.predict("a", "b", Settings(timeout_ms=500)).timeout_s == 0.5 + calls.GRACE_S
    assert calls.predict("a", "b", DEFAULTS).timeout_s is None


def test_many_tasks_are_one_call() -> None:
    call = calls.predict_tasks(["spam", "sentiment@2"], "a", DEFAULTS)

    assert (call.method, call.path) == ("POST", "/predict")
    request = TasksPredictRequest.model_validate_json(body_of(call))
    assert request.tasks == ["spam", "sentiment@2"]


def test_rows_are_pairs_or_wire_objects() -> None:
    rows: list[RowLike] = [
        ("spam", "a"),
        RowRequest(task="pair", input=TextInput(text="a", text_pair="b")),
    ]

    call = calls.predict_rows(rows, DEFAULTS)

    request = RowsPredictRequest.model_validate_json(body_of(call))
    assert [(row.task, row.input) for row in request.rows] == [
        ("spam", "a"),
        ("pair", TextInput(text="a", text_pair="b")),
    ]


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("sentiment", "/predict/sentiment"),
        ("sentiment@7", "/predict/sentiment@7"),
        ("a/b?c#d é", "/predict/a%2Fb%3Fc%23d%20%C3%A9"),
    ],
)
def test_a_reference_is_one_segment_of_the_path(reference: str, path: str) -> None:
    assert calls.predict(reference, "x", DEFAULTS).path == path


def test_text_is_sent_as_utf_8() -> None:
    assert body_of(calls.predict("a", "é🙂", DEFAULTS)) == '{"inputs":"é🙂"}'.encode()


@pytest.mark.parametrize("value", ["\ud800", {"text": math.nan}])
def test_what_json_cannot_carry_is_refused_before_it_is_sent(value: str | dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match="the call cannot be sent as JSON: "):
        calls.predict("a", value, DEFAULTS)


def test_a_list_of_tasks_asks_for_what_was_chosen_only() -> None:
    first = calls.tasks(TaskFilter(), after=None, limit=100)
    later = calls.tasks(TaskFilter(kind="tagging", query="ner"), after="CUR", limit=5)

    assert first.params == {"limit": "100"}
    assert later.params == {"limit": "5", "after": "CUR", "kind": "tagging", "q": "ner"}


def test_every_condition_of_a_list_of_tasks_can_be_sent() -> None:
    where = TaskFilter("tagging", "n", "PER", "good", "de", "MIT", "news")

    assert set(where.to_params()) == set(TasksQuery.model_fields) - {"limit", "after"}


def test_versions_are_paged_as_tasks_are() -> None:
    call = calls.versions("spam", tag=None, after="CUR", limit=5)

    assert (call.path, call.params) == ("/tasks/spam/versions", {"limit": "5", "after": "CUR"})
    assert calls.versions("spam", tag="a", after=None, limit=5).params == {"limit": "5", "tag": "a"}


def test_a_push_streams_with_its_length_and_type() -> None:
    call = calls.push("spam", UploadSource.of(b"abc"), alias="next")

    assert call.headers() == {"content-type": "application/octet-stream", "content-length": "3"}
    assert call.params == {"alias": "next"}
    assert calls.push("spam", UploadSource.of(b"abc"), alias=None).params == {}


def test_an_upload_is_announced_with_its_size_and_digest() -> None:
    call = calls.open_upload(9, "sha256:" + "a" * 64)

    request = UploadRequest.model_validate_json(body_of(call))
    assert (call.method, call.path, request.size_bytes) == ("POST", "/uploads", 9)
    assert request.digest == "sha256:" + "a" * 64


def test_a_part_says_where_it_belongs() -> None:
    call = calls.append("u1", UploadSource.of(b"abcde").part(2, 9))

    assert (call.method, call.path) == ("PATCH", "/uploads/u1")
    assert call.headers() == {
        "content-type": "application/octet-stream",
        "content-length": "3",
        "upload-offset": "2",
    }


def test_an_upload_is_published_as_a_version_without_a_body() -> None:
    call = calls.publish_upload("spam", "u1", alias="next")

    assert (call.method, call.path, call.body) == ("POST", "/tasks/spam/versions", None)
    assert call.params == {"upload": "u1", "alias": "next"}
    assert calls.publish_upload("spam", "u1", alias=None).params == {"upload": "u1"}


def test_an_upload_is_looked_up_and_given_up_by_its_id() -> None:
    look, give_up = calls.upload("u/1"), calls.discard_upload("u/1")

    assert (look.method, look.path) == ("GET", "/uploads/u%2F1")
    assert (give_up.method, give_up.path) == ("DELETE", "/uploads/u%2F1")


def test_json_says_that_it_is_json_and_reads_say_nothing() -> None:
    assert calls.predict("a", "b", DEFAULTS).headers() == {"content-type": "application/json"}
    assert calls.task("a").headers() == {}
