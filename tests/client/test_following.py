"""Following the log of events: where a follower stands, and which failures it outlives."""

from datetime import UTC, datetime

import pytest

from multitap import (
    ConnectionFailed,
    Event,
    EventList,
    InternalError,
    InvalidRequest,
    MultitapError,
    Overloaded,
    RequestTimedOut,
    ServerError,
    Unavailable,
)
from multitap.following import LONGEST_PAUSE_S, Following

AT = datetime(2026, 11, 24, tzinfo=UTC)


def page(*numbers: int, last: int = 9) -> EventList:
    """Return a page of these events."""
    events = [Event(seq=n, at=AT, by="ann", type="task.deleted", task="spam") for n in numbers]
    return EventList(events=events, next=numbers[-1] if numbers else 0, last=last)


def answered(after: int | None = 0) -> Following:
    """Return a follower that was answered once."""
    following = Following(after, wait_s=30)
    following.take(page(1))
    return following


def test_a_follower_asks_behind_the_last_event_that_it_was_told() -> None:
    following = Following(4, wait_s=30)

    assert following.call().params == {"after": "4", "limit": "100", "wait_s": "30"}
    assert [event.seq for event in following.take(page(5, 6))] == [5, 6]
    assert following.call().params["after"] == "6"


def test_from_now_on_means_behind_the_newest_event() -> None:
    following = Following(None, wait_s=30)

    assert following.call().params == {"after": "0", "limit": "1"}
    assert list(following.take(page(1, last=7))) == []
    assert following.call().params == {"after": "7", "limit": "100", "wait_s": "30"}


@pytest.mark.parametrize(
    "error",
    [
        ConnectionFailed("broke"),
        ConnectionFailed("refused", sent=False),
        RequestTimedOut("late"),
        Unavailable("stopping", status=503),
        Overloaded("full", status=429),
        ServerError("a proxy's page", status=502),
    ],
)
def test_what_passes_is_waited_for(error: MultitapError) -> None:
    following = answered()

    assert 0 < following.pause_s(error) < 1
    assert following.call().params["after"] == "1"


@pytest.mark.parametrize(
    "error", [InternalError("a bug", status=500), InvalidRequest("no", status=422)]
)
def test_what_does_not_pass_is_raised(error: MultitapError) -> None:
    with pytest.raises(type(error)):
        answered().pause_s(error)


def test_a_server_that_never_answered_is_raised() -> None:
    with pytest.raises(ConnectionFailed):
        Following(0, wait_s=30).pause_s(ConnectionFailed("refused", sent=False))


def test_pauses_grow_to_a_bound_and_an_answer_ends_them() -> None:
    following = answered()
    pauses = [following.pause_s(ConnectionFailed("refused")) for _ in range(2_000)]

    assert pauses[:3] == [0.1, 0.2, 0.4]
    assert pauses[-1] == LONGEST_PAUSE_S
    following.take(page(2))
    assert following.pause_s(ConnectionFailed("refused")) == 0.1


def test_the_servers_own_wish_is_kept_within_the_bound() -> None:
    following = answered()

    assert following.pause_s(Unavailable("u", status=503, retry_after_s=2)) == 2
    assert following.pause_s(Unavailable("u", status=503, retry_after_s=900)) == LONGEST_PAUSE_S
