"""When a client asks again."""

import pytest

from multitap import (
    BodyTooSlow,
    ConnectionFailed,
    InvalidAdapter,
    MultitapError,
    RequestTimedOut,
    Retries,
    ServerError,
    UploadConflict,
)
from multitap.errors import Overloaded
from multitap.retries import Repeat

BROKEN = ConnectionFailed("the connection broke")
REFUSED = ConnectionFailed("cannot connect", sent=False)


def busy(retry_after_s: float | None, status: int = 429) -> MultitapError:
    """Return the error of a server that has no room."""
    return Overloaded("full", status=status, retry_after_s=retry_after_s)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_when_it_says(status: int) -> None:
    assert Retries().wait_s(busy(3.0, status), attempt=1, repeat="always") == 3.0


def test_a_server_that_wants_a_longer_wait_than_ours_is_not_asked_again() -> None:
    assert Retries(longest_wait_s=2).wait_s(busy(3.0), attempt=1, repeat="always") is None


def test_without_retry_after_the_wait_doubles() -> None:
    retries = Retries(limit=3, first_wait_s=0.5)

    waits = [retries.wait_s(busy(None), attempt=n, repeat="always") for n in (1, 2, 3)]

    assert waits == [0.5, 1.0, 2.0]


def test_there_are_no_more_attempts_than_the_limit() -> None:
    retries = Retries(limit=2)

    assert retries.wait_s(BROKEN, attempt=2, repeat="always") is not None
    assert retries.wait_s(BROKEN, attempt=3, repeat="always") is None


def test_a_limit_of_zero_means_one_attempt() -> None:
    assert Retries(limit=0).wait_s(REFUSED, attempt=1, repeat="always") is None


@pytest.mark.parametrize(
    "error",
    [RequestTimedOut("late"), ServerError("odd", status=500), ServerError("odd", status=502)],
)
def test_timeouts_and_other_failures_are_final(error: MultitapError) -> None:
    assert Retries().wait_s(error, attempt=1, repeat="always") is None


@pytest.mark.parametrize(
    ("error", "repeat", "again"),
    [
        (BROKEN, "always", True),
        (BROKEN, "unsent", False),
        (BROKEN, "never", False),
        (REFUSED, "unsent", True),
        (REFUSED, "never", False),
        (busy(0.0), "unsent", True),
        (busy(0.0), "never", False),
    ],
)
def test_a_call_that_must_not_run_twice_is_repeated_only_if_it_did_not_run(
    error: MultitapError, repeat: Repeat, *, again: bool
) -> None:
    assert (Retries().wait_s(error, attempt=1, repeat=repeat) is not None) is again


@pytest.mark.parametrize(
    "error", [BROKEN, REFUSED, RequestTimedOut("late"), BodyTooSlow("slow"), UploadConflict("at 4")]
)
def test_a_part_of_a_file_is_tried_again_whenever_the_server_can_say_where_to_go_on(
    error: MultitapError,
) -> None:
    assert Retries().part_wait_s(error, attempt=1) == 0.1


def test_the_waits_between_parts_end_at_the_longest() -> None:
    retries = Retries()

    waits = [retries.part_wait_s(BROKEN, attempt=n) for n in range(1, 10)]

    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, None]


@pytest.mark.parametrize("error", [InvalidAdapter("no", status=422), busy(11.0)])
def test_a_part_that_is_refused_is_not_tried_again(error: MultitapError) -> None:
    assert Retries().part_wait_s(error, attempt=1) is None
