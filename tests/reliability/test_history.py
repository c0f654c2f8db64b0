"""The harness itself: what is wrong is noticed."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from multitap_registry.contract import AuditLine, ChainHead
from multitap_registry.memory import MemoryRegistry
from reliability.calls import UNKNOWN, Answer, Recorded
from reliability.history import History, InconsistencyError
from reliability.mixes import Log, run_mix


@pytest.fixture(scope="module")
def log() -> Log:
    """Return what three clients of a registry in memory recorded."""
    return run_mix(MemoryRegistry(), seed=1)


def rechained(lines: Sequence[AuditLine]) -> list[AuditLine]:
    """Return lines as a registry would have written them that left some out, or made some up."""
    head, written = ChainHead(), list[AuditLine]()
    for line in lines:
        written.append(AuditLine.following(head, line.entry))
        head = written[-1].head
    return written


def refusal_of(records: list[Recorded], lines: list[AuditLine]) -> str:
    """Return why a log is refused."""
    with pytest.raises(InconsistencyError) as caught:
        History().take(records, lines)
    return str(caught.value)


def changed_by(log: Log, verb: str, action: str) -> tuple[int, int]:
    """Return the places of a record and of its first line, of a call that changed something."""
    records, lines = log
    for at, line in enumerate(lines):
        for place, record in enumerate(records):
            if (
                record.call.verb == verb
                and record.call.id == line.entry.request_id
                and line.entry.action == action
            ):
                return place, at
    raise AssertionError(f"no {verb} in the log")


def test_the_mix_reaches_every_end_of_every_call() -> None:
    logs = [run_mix(MemoryRegistry(), seed=seed) for seed in range(4)]
    records = [record for log, _ in logs for record in log]
    ends = {(record.call.verb, record.answer.outcome) for record in records}

    assert {verb for verb, outcome in ends if outcome == "ok"} == {
        "publish",
        "point",
        "rollback",
        "delete_alias",
        "delete_version",
        "delete_task",
        "tag",
        "untag",
        "look",
    }
    assert {"version_in_use", "alias_conflict", "nothing_to_roll_back_to", "invalid_adapter"} <= {
        record.answer.code for record in records
    }


def test_an_acknowledged_change_that_is_lost_is_noticed(log: Log) -> None:
    records, lines = log
    for verb, action in (
        ("publish", "version.published"),
        ("rollback", "alias.moved"),
        ("delete_version", "version.deleted"),
    ):
        place, _ = changed_by(log, verb, action)
        lost = records[place].call.id
        left = rechained([line for line in lines if line.entry.request_id != lost])
        refusal_of(records, left)


def test_a_half_change_is_noticed(log: Log) -> None:
    records, lines = log
    place, at = changed_by(log, "publish", "version.published")
    cut = [*records[:place], replace(records[place], answer=UNKNOWN), *records[place + 1 :]]
    followed = lines[at + 1].entry.request_id == lines[at].entry.request_id

    assert followed
    assert "left the lines" in refusal_of(cut, rechained([*lines[: at + 1], *lines[at + 2 :]]))


def test_an_answer_with_another_number_is_noticed(log: Log) -> None:
    records, lines = log
    place, _ = changed_by(log, "publish", "version.published")
    record = records[place]
    answer = replace(record.answer, version=99)

    wrong = [*records[:place], replace(record, answer=answer), *records[place + 1 :]]

    assert "expected Answer" in refusal_of(wrong, lines)


def test_a_refusal_that_changed_something_is_noticed(log: Log) -> None:
    records, lines = log
    place, _ = changed_by(log, "point", "alias.moved")
    refused = replace(records[place], answer=Answer("refused", "alias_conflict"))

    assert "expected Answer" in refusal_of(
        [*records[:place], refused, *records[place + 1 :]], lines
    )


def test_a_change_that_nobody_asked_for_is_noticed(log: Log) -> None:
    records, lines = log
    place, _ = changed_by(log, "tag", "version.tagged")

    assert "which nobody sent" in refusal_of([*records[:place], *records[place + 1 :]], lines)


def test_changes_in_another_order_than_their_calls_are_noticed() -> None:
    records, lines = run_mix(MemoryRegistry(), seed=3)
    place, _ = changed_by((records, lines), "tag", "version.tagged")
    late = replace(records[place], began_s=records[-1].ended_s + 1, ended_s=records[-1].ended_s + 2)

    wrong = refusal_of([*records[:place], late, *records[place + 1 :]], lines)

    assert "stands before a call that ended before it" in wrong


def left_out(lines: list[AuditLine]) -> list[AuditLine]:
    """Return a log without one of its lines."""
    return lines[:5] + lines[6:]


def exchanged(lines: list[AuditLine]) -> list[AuditLine]:
    """Return a log whose first lines changed places."""
    return [lines[1], lines[0], *lines[2:]]


def altered(lines: list[AuditLine]) -> list[AuditLine]:
    """Return a log whose first line names another author."""
    return [replace(lines[0], entry=replace(lines[0].entry, by="eve")), *lines[1:]]


@pytest.mark.parametrize("damage", [left_out, exchanged, altered])
def test_a_broken_chain_is_noticed(
    log: Log, damage: Callable[[list[AuditLine]], list[AuditLine]]
) -> None:
    records, lines = log

    assert "audit line" in refusal_of(records, damage(lines))


def test_a_stale_read_is_noticed(log: Log) -> None:
    records, lines = log
    looks = [
        n
        for n, record in enumerate(records)
        if record.call.verb == "look" and record.answer.outcome == "ok"
    ]
    stale = replace(records[looks[-1]], answer=Answer("ok", version=98))

    wrong = refusal_of([*records[: looks[-1]], stale, *records[looks[-1] + 1 :]], lines)

    assert "does not fit" in wrong
