"""Faults and the error that gathers them."""

import pytest

from multitap_adapters.file import AdapterFileError, Fault
from multitap_adapters.file.errors import FaultList


def fault_list(count: int) -> FaultList:
    faults = FaultList()
    for index in range(count):
        faults.add("spec", f"fault {index}")
    return faults


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "spec: fault 0"),
        (2, "spec: fault 0 (and 1 more fault)"),
        (3, "spec: fault 0 (and 2 more faults)"),
        (250, "spec: fault 0 (and 249 more faults)"),
    ],
)
def test_the_text_is_the_first_fault_and_how_many_more(count: int, text: str) -> None:
    assert str(fault_list(count).error()) == text


def test_a_hundred_faults_are_all_listed() -> None:
    error = fault_list(100).error()
    assert len(error.faults) == error.total == 100
    assert error.faults[-1] == Fault("spec", "fault 99")


def test_beyond_a_hundred_the_last_entry_says_how_many_more() -> None:
    error = fault_list(103).error()
    assert error.total == 103
    assert len(error.faults) == 101
    assert error.faults[-1] == Fault("file", "3 more faults are not listed")


def test_an_error_can_be_made_from_its_faults_alone() -> None:
    error = AdapterFileError((Fault("file", "too short"),))
    assert (str(error), error.total) == ("file: too short", 1)


def test_a_fault_is_one_printable_line_of_bounded_length() -> None:
    faults = FaultList()
    faults.add("tensors." + "a\n\x1b[31m\u202e\ud800" * 100, "x\r\n" * 10_000)
    (fault,) = faults.kept
    assert fault.at.isprintable()
    assert fault.message.isprintable()
    assert fault.at.startswith(r"tensors.a\n\x1b[31m\u202e\ud800")
    assert len(fault.message) < 1_000
