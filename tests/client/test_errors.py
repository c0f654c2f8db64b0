"""Errors: one leaf per code of the contract, and nothing else."""

import pickle

import pytest

from multitap import ConnectionFailed, MultitapError, ServerError, TaskNotFound, errors
from multitap.wire import Fault
from multitap_server.problems import CODES

# The table of codes of the HTTP contract, version 1, and what ADR 18 adds to it.
CONTRACT = [
    "malformed_json",
    "unauthenticated",
    "forbidden",
    "not_found",
    "task_not_found",
    "version_not_found",
    "alias_not_found",
    "upload_not_found",
    "method_not_allowed",
    "request_timeout",
    "backbone_mismatch",
    "alias_conflict",
    "version_in_use",
    "nothing_to_roll_back_to",
    "upload_conflict",
    "too_large",
    "unsupported_media_type",
    "invalid_request",
    "invalid_adapter",
    "upload_digest_mismatch",
    "overloaded",
    "quota_exceeded",
    "internal",
    "corrupt_blob",
    "unavailable",
    "deadline_exceeded",
    "storage_full",
]


def test_every_code_of_the_contract_has_an_error_and_no_other_code_has() -> None:
    assert set(errors.BY_CODE) == set(CONTRACT)


def test_the_server_and_the_client_know_the_same_codes() -> None:
    assert set(errors.BY_CODE) == set(CODES)


def test_every_code_has_an_error_of_its_own() -> None:
    assert len(set(errors.BY_CODE.values())) == len(errors.BY_CODE)


@pytest.mark.parametrize("code", CONTRACT)
def test_the_tree_in_the_module_names_each_code_beside_its_class_and_status(code: str) -> None:
    lines = (errors.__doc__ or "").splitlines()

    [line] = [line for line in lines if line.split()[-1:] == [code]]

    assert line.split()[1:] == [errors.BY_CODE[code].__name__, str(CODES[code].status), code]


def test_every_error_is_in_the_tree() -> None:
    tree = errors.__doc__ or ""

    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, MultitapError):
            assert value.__name__ in tree


def test_an_error_reads_as_its_detail() -> None:
    assert str(TaskNotFound("no task 'x'")) == "no task 'x'"


def test_an_error_without_an_answer_has_no_status() -> None:
    error = ConnectionFailed("cannot connect", sent=False)

    assert (error.status, error.code, error.request_id, error.errors) == (None, None, None, ())


def test_an_error_survives_the_way_between_processes() -> None:
    error = ServerError("late", status=502, code="odd", errors=[Fault(at="a", message="b")])

    copied = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)

    assert (copied.detail, copied.status, copied.code, copied.errors) == (
        "late",
        502,
        "odd",
        (Fault(at="a", message="b"),),
    )
