"""From responses to wire types and errors."""

from datetime import UTC, datetime

import httpx
import pytest

from client.documents import ANSWER, VERSION
from multitap import InvalidRequest, ServerError, errors
from multitap.answers import (
    error_of,
    parse,
    parse_publication,
    parse_readiness,
    require_success,
    retry_after_s,
)
from multitap.predictions import ClassificationPrediction
from multitap.wire import Fault, PredictAnswer, Version

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def problem(code: str, status: int, **more: object) -> httpx.Response:
    """Return a problem response."""
    body = {"title": "T", "status": status, "code": code, "detail": "why", "request_id": "r1"}
    return httpx.Response(status, json=body | more)


def test_an_answer_is_parsed_into_its_wire_type() -> None:
    answer = parse(PredictAnswer, httpx.Response(200, json=ANSWER))

    assert answer.typed(ClassificationPrediction)[0].label == "positive"


def test_a_newer_servers_extra_fields_are_ignored() -> None:
    response = httpx.Response(200, json=ANSWER | {"colour": "red"})

    assert parse(PredictAnswer, response).version == 3


def test_an_answer_of_another_shape_is_a_server_error_that_names_the_field() -> None:
    response = httpx.Response(200, json=ANSWER | {"version": "three"})

    with pytest.raises(ServerError, match="the answer is no PredictAnswer: version: input should"):
        parse(PredictAnswer, response)


def test_a_success_that_is_no_json_is_a_server_error() -> None:
    response = httpx.Response(200, text="<html>", headers={"x-request-id": "r7"})

    with pytest.raises(ServerError, match="no PredictAnswer: the body: invalid json") as caught:
        parse(PredictAnswer, response)

    assert (caught.value.status, caught.value.request_id) == (200, "r7")


@pytest.mark.parametrize("code", errors.BY_CODE)
def test_a_problem_becomes_the_error_of_its_code(code: str) -> None:
    error = error_of(problem(code, 400))

    assert type(error) is errors.BY_CODE[code]
    assert (error.code, error.status, error.detail, error.request_id) == (code, 400, "why", "r1")


def test_the_code_decides_not_the_status() -> None:
    assert isinstance(error_of(problem("invalid_request", 500)), InvalidRequest)


def test_an_unknown_code_is_a_server_error_that_keeps_it() -> None:
    error = error_of(problem("teapot", 418))

    assert (type(error), error.code, error.detail) == (ServerError, "teapot", "why")


def test_the_faults_of_a_body_are_kept() -> None:
    error = error_of(problem("invalid_request", 422, errors=[{"at": "rows.0", "message": "odd"}]))

    assert error.errors == (Fault(at="rows.0", message="odd"),)


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"<h1>Bad\nGateway</h1>", "'<h1>Bad Gateway</h1>'"),
        (b"", "''"),
        (b"{}", "'{}'"),
        (b"[" * 500, f"'{'[' * 200}'"),
        (b"\xff\xfe", "'��'"),
    ],
)
def test_a_failure_that_is_no_problem_document_is_a_server_error(
    content: bytes, shown: str
) -> None:
    response = httpx.Response(502, content=content, headers={"content-type": "text/html"})

    error = error_of(response)

    assert type(error) is ServerError
    assert (error.status, error.code) == (502, None)
    assert error.detail == f"the server answered 502 (text/html): {shown}"


def test_a_redirect_is_a_server_error() -> None:
    with pytest.raises(ServerError, match="the server answered 307"):
        require_success(httpx.Response(307, headers={"location": "http://elsewhere/"}))


def test_retry_after_is_kept_on_the_error() -> None:
    response = httpx.Response(429, text="slow down", headers={"retry-after": "3"})

    assert error_of(response).retry_after_s == 3.0


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("0", 0.0),
        (" 12 ", 12.0),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2026 12:00:30", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, expected: float | None) -> None:
    assert retry_after_s(header, now=NOW) == expected


@pytest.mark.parametrize(("status", "created"), [(201, True), (200, False)])
def test_a_push_says_whether_the_version_is_new(status: int, *, created: bool) -> None:
    publication = parse_publication(httpx.Response(status, json=VERSION))

    assert publication.created is created
    assert publication.record == Version.model_validate(VERSION)


def test_a_server_that_is_not_ready_is_no_error() -> None:
    assert not parse_readiness(problem("unavailable", 503))
    assert parse_readiness(httpx.Response(200, json={}))


def test_readiness_of_something_else_is_an_error() -> None:
    with pytest.raises(ServerError):
        parse_readiness(httpx.Response(500, text="oh"))
