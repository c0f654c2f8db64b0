"""The table of problems: total over every exception, and the contract's."""

import pytest

from multitap_adapters.file import AdapterFileError, Fault
from multitap_registry.errors import CorruptBlob, InvalidReference, RegistryError
from multitap_server.engine.errors import (
    AdapterUnavailable,
    BackboneMismatch,
    EngineError,
    InputTooLong,
    Overloaded,
)
from multitap_server.errors import EdgeError, RangeNotSatisfiable
from multitap_server.problems import (
    CODES,
    EXCEPTIONS,
    build_problem,
    kind_of,
    problem_response,
)

# The HTTP contract's table, as it is written there, and what ADR 18 adds to it.
CONTRACT = {
    "malformed_json": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "task_not_found": 404,
    "version_not_found": 404,
    "alias_not_found": 404,
    "upload_not_found": 404,
    "not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "backbone_mismatch": 409,
    "alias_conflict": 409,
    "version_in_use": 409,
    "nothing_to_roll_back_to": 409,
    "upload_conflict": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "invalid_request": 422,
    "invalid_adapter": 422,
    "upload_digest_mismatch": 422,
    "overloaded": 429,
    "quota_exceeded": 429,
    "internal": 500,
    "corrupt_blob": 500,
    "unavailable": 503,
    "deadline_exceeded": 504,
    "storage_full": 507,
}
# Codes of features that are not there yet: keys.
NOT_YET = {"unauthenticated"}


def leaves(base: type[Exception]) -> list[type[Exception]]:
    below = [leaf for child in base.__subclasses__() for leaf in leaves(child)]
    return below or [base]


ALL = [
    leaf
    for base in (RegistryError, InvalidReference, AdapterFileError, EngineError, EdgeError)
    for leaf in leaves(base)
]


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_every_exception_has_a_code(error: type[Exception]) -> None:
    assert EXCEPTIONS[error] in CODES


def test_the_codes_are_those_of_the_contract() -> None:
    assert {code: kind.status for code, kind in CODES.items()} == CONTRACT


def test_every_code_that_is_due_has_an_exception() -> None:
    assert set(EXCEPTIONS.values()) == set(CONTRACT) - NOT_YET


def test_an_unknown_exception_is_internal() -> None:
    problem = build_problem(ValueError("secret"), "id-1")

    assert (problem.status, problem.code, problem.request_id) == (500, "internal", "id-1")
    assert "secret" not in problem.model_dump_json()


def test_a_subclass_has_the_code_of_its_ancestor() -> None:
    class Deeper(Overloaded):
        """An exception that the table does not name."""

    assert kind_of(Deeper(1)).code == "overloaded"


def test_an_adapter_that_is_damaged_in_storage_is_told_apart() -> None:
    error = AdapterUnavailable("sha256:0", "unreadable")
    assert kind_of(error).code == "unavailable"
    error.__cause__ = CorruptBlob("sha256:0", None)

    assert kind_of(error).code == "corrupt_blob"


def test_the_faults_of_a_file_are_all_listed() -> None:
    error = AdapterFileError((Fault("header", "too long"), Fault("tensors.a", "a hole")))
    problem = build_problem(error, "id")

    assert [(fault.at, fault.message) for fault in problem.errors or []] == [
        ("header", "too long"),
        ("tensors.a", "a hole"),
    ]


@pytest.mark.parametrize(
    ("error", "place"),
    [
        (InvalidReference("x y", "task name"), "reference"),
        (InputTooLong(3, tokens=9, limit_tokens=8), "inputs"),
        (RangeNotSatisfiable(9), "header.range"),
    ],
)
def test_an_error_with_a_place_lists_it(error: Exception, place: str) -> None:
    assert [fault.at for fault in build_problem(error, "id").errors or []] == [place]


def test_fields_without_a_value_are_absent() -> None:
    error = BackboneMismatch("digest", expected="a", found="b")
    response = problem_response(error, "id")

    assert b"errors" not in bytes(response.body)
    assert response.headers["content-type"] == "application/problem+json"
