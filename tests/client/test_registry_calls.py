"""Calls that tend a registry as values: what is sent, and when it is sent again."""

import json
from typing import Any

import pytest

from multitap import registry_calls as calls
from multitap.calls import GRACE_S, Call
from multitap.unset import UNSET, Unset
from multitap.wire import PointRequest, RollbackRequest


def body_of(call: Call[Any]) -> bytes:
    """Return the JSON that a call sends."""
    assert isinstance(call.body, bytes)
    return call.body


@pytest.mark.parametrize(
    ("expected", "sent"), [(UNSET, {}), (None, {"expected": None}), (6, {"expected": 6})]
)
def test_an_expectation_of_nothing_is_not_the_same_as_none_given(
    expected: int | Unset | None, sent: dict[str, object]
) -> None:
    point = calls.point("spam", "live", 7, expected=expected)
    rollback = calls.rollback("spam", "live", expected=expected)

    assert json.loads(body_of(point)) == {"version": 7, **sent}
    assert json.loads(body_of(rollback)) == sent
    PointRequest.model_validate_json(body_of(point))
    RollbackRequest.model_validate_json(body_of(rollback))


def test_a_reason_goes_with_every_change() -> None:
    call = calls.point("spam", "next", 7, reason="better")

    assert (call.method, call.path) == ("PUT", "/tasks/spam/aliases/next")
    assert json.loads(body_of(call)) == {"version": 7, "reason": "better"}
    assert json.loads(body_of(calls.rollback("spam", "next", reason="worse"))) == {
        "reason": "worse"
    }
    assert calls.delete_alias("spam", "next", reason="old").params == {"reason": "old"}
    assert calls.delete_version("spam", 7, reason="old").params == {"reason": "old"}
    assert calls.delete_task("spam", reason="old").params == {"reason": "old"}


@pytest.mark.parametrize(
    ("call", "repeat"),
    [
        (calls.point("spam", "live", 7, expected=6), "always"),
        (calls.point("spam", "live", 7), "unsent"),
        (calls.rollback("spam", "live", expected=6), "always"),
        (calls.rollback("spam", "live"), "unsent"),
        (calls.delete_alias("spam", "next", expected=6), "always"),
        (calls.delete_alias("spam", "next"), "unsent"),
        (calls.delete_version("spam", 7), "always"),
        (calls.delete_task("spam"), "unsent"),
        (calls.tag("spam", 7, "a"), "always"),
        (calls.untag("spam", 7, "a"), "always"),
        (calls.history("spam", "live"), "always"),
        (calls.events(after=0, wait_s=1, limit=1), "always"),
        (calls.audit(after=0, limit=1), "always"),
    ],
)
def test_a_change_is_repeated_blindly_only_if_it_cannot_undo_another(
    call: Call[Any], repeat: str
) -> None:
    assert call.repeat == repeat


def test_deletions_say_how() -> None:
    assert calls.delete_task("spam", force=True).params == {"force": "true"}
    assert calls.delete_task("spam").params == {}
    assert calls.delete_alias("spam", "next", expected=6).params == {"expected": "6"}
    assert calls.delete_version("spam", 7).path == "/tasks/spam/versions/7"


def test_a_tag_is_one_segment_of_the_path() -> None:
    call = calls.tag("spam", 7, "team/a b")

    assert (call.method, call.path) == ("PUT", "/tasks/spam/versions/7/tags/team%2Fa%20b")
    assert calls.untag("spam", 7, "x").method == "DELETE"


def test_a_wait_for_events_leaves_the_server_time_to_answer() -> None:
    waiting = calls.events(after=3, wait_s=30.0, limit=5)
    at_once = calls.events(after=3, wait_s=0, limit=5)

    assert waiting.params == {"after": "3", "limit": "5", "wait_s": "30"}
    assert waiting.timeout_s == 30 + GRACE_S
    assert at_once.params == {"after": "3", "limit": "5"}
    assert at_once.timeout_s is None
