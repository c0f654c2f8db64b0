"""Reading problems out of responses, in tests of the server."""

import httpx

from multitap.wire import Problem


def read_problem(response: httpx.Response) -> Problem:
    """Return the problem in a response, whose form and headers are as the contract says."""
    assert response.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate_json(response.content)
    assert problem.status == response.status_code
    assert problem.type == f"/problems/{problem.code}"
    assert problem.request_id == response.headers["x-request-id"]
    return problem


def read_faults(response: httpx.Response) -> list[tuple[str, str]]:
    """Return the place and message of every fault."""
    return [(fault.at, fault.message) for fault in read_problem(response).errors or []]


def read_code(response: httpx.Response) -> tuple[int, str]:
    """Return status and code."""
    return response.status_code, read_problem(response).code
