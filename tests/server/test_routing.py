"""Routes that do not exist, methods that do not fit, parameters that nobody knows."""

import httpx
import pytest

from problem_reading import read_code, read_faults


@pytest.mark.parametrize("path", ["/", "/nothing", "/tasks/", "/predict/a/b", "/redoc", "/TASKS"])
async def test_an_unknown_route_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert read_code(await client.get(path)) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/predict/mood", "POST"),
        ("PUT", "/predict", "POST"),
        ("PUT", "/tasks/mood", "DELETE, GET"),
        ("DELETE", "/tasks", "GET"),
        ("GET", "/tasks/mood/versions/1/tags/a/b", "DELETE, PUT"),
        ("PATCH", "/tasks/mood/versions", "GET, POST"),
        ("PUT", "/uploads", "POST"),
        ("POST", "/uploads/0", "DELETE, GET, HEAD, PATCH"),
        ("POST", "/livez", "GET"),
    ],
)
async def test_a_method_that_does_not_fit_is_answered_with_those_that_do(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    response = await client.request(method, path)

    assert read_code(response) == (405, "method_not_allowed")
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/predict/mood"),
        ("POST", "/predict"),
        ("GET", "/tasks/mood"),
        ("PUT", "/tasks/mood/aliases/live"),
        ("GET", "/tasks/mood/versions/1"),
        ("GET", "/tasks/mood/versions/1/file"),
        ("GET", "/tasks/mood/aliases/live/history"),
        ("POST", "/tasks/mood/aliases/live/rollback"),
        ("PUT", "/tasks/mood/versions/1/tags/a"),
        ("DELETE", "/tasks/mood/versions/1/tags/a"),
        ("POST", "/uploads"),
        ("GET", "/uploads/0"),
        ("PATCH", "/uploads/0"),
        ("DELETE", "/uploads/0"),
        ("GET", "/livez"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
    ],
)
async def test_a_query_parameter_that_the_route_does_not_know_is_named(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    response = await client.request(method, f"{path}?verbose=1")

    assert read_code(response) == (422, "invalid_request")
    assert read_faults(response) == [("query.verbose", "this parameter is unknown")]
