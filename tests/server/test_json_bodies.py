"""What every route with a JSON body refuses before it looks at fields."""

from collections.abc import Callable

import httpx
import pytest

from problem_reading import read_code, read_problem

JSON = {"content-type": "application/json"}


@pytest.fixture(autouse=True)
def record(publish_task: Callable[..., object]) -> None:
    publish_task("mood")


async def post(client: httpx.AsyncClient, content: bytes) -> httpx.Response:
    return await client.post("/predict/mood", content=content, headers=JSON)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"inputs": "x"} trailing',
        b"{'inputs': 'x'}",
        b'{"inputs": "x", "inputs": "y"}',
        b'{"inputs": {"text": "x", "text": "y"}}',
        b'{"inputs": NaN}',
        b'{"inputs": "x", "parameters": {"threshold": -Infinity}}',
        b'{"inputs": "\xff"}',
        b'\xef\xbb\xbf{"inputs": "x"}',
        b'{"inputs": "\\ud800"}',
        b'{"inputs": "\\udc00\\ud800"}',
        b'{"\\udfff": "x"}',
        b'{"inputs": ' + b"9" * 4_000 + b"}",
        b'{"inputs": ' + b"[" * 9 + b"]" * 9 + b"}",
        b"[" * 2_000,
        b"[" * 2_000 + b"]" * 2_000,
        b'{"inputs": "\x00"}',
    ],
)
async def test_bytes_that_are_no_json_or_ambiguous_are_malformed(
    client: httpx.AsyncClient, content: bytes
) -> None:
    response = await post(client, content)

    assert read_code(response) in [(400, "malformed_json"), (422, "invalid_request")]
    if b"9999" not in content:  # a number that Python can still read is of the wrong type
        assert read_code(response) == (400, "malformed_json")


async def test_pairs_of_surrogates_are_one_character(client: httpx.AsyncClient) -> None:
    response = await post(client, b'{"inputs": "\\ud83d\\ude00"}')

    assert response.status_code == 200


async def test_a_number_beyond_all_bounds_is_refused(client: httpx.AsyncClient) -> None:
    response = await post(client, b'{"inputs": "x", "parameters": {"top_k": 1e999}}')

    assert read_code(response) == (422, "invalid_request")


async def test_the_reason_never_quotes_the_body(client: httpx.AsyncClient) -> None:
    response = await post(client, b'{"inputs": "confidential" "more"}')

    assert read_problem(response).detail == (
        "the body is no JSON that can be read: expecting ',' delimiter at line 1 column 27"
    )


async def test_an_object_of_very_many_fields_is_one_fault(client: httpx.AsyncClient) -> None:
    content = "{" + ",".join(f'"k{index}":0' for index in range(100)) + "}"
    response = await post(client, content.encode())

    assert read_code(response) == (422, "invalid_request")
    assert len(read_problem(response).errors or []) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/jsonp"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_another_content_type_or_none_is_unsupported(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    response = await client.post("/predict/mood", content=b'{"inputs":"x"}', headers=headers)

    assert read_code(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize("value", ["application/json; charset=utf-8", "Application/JSON"])
async def test_parameters_and_case_of_the_content_type_do_not_matter(
    client: httpx.AsyncClient, value: str
) -> None:
    response = await client.post(
        "/predict/mood", content=b'{"inputs":"x"}', headers={"content-type": value}
    )

    assert response.status_code == 200


async def test_a_body_of_too_many_bytes_is_too_large(client: httpx.AsyncClient) -> None:
    response = await post(client, b'{"inputs": "' + b"x" * 4_096 + b'"}')

    assert read_code(response) == (413, "too_large")
    assert read_problem(response).detail == "the body has more than 4096 bytes"
