"""Pushing in parts: the steps, given every answer and every failure by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from client.documents import VERSION
from multitap import (
    BodyTooSlow,
    ConnectionFailed,
    InvalidAdapter,
    MultitapError,
    Overloaded,
    Publication,
    QuotaExceeded,
    RequestTimedOut,
    Retries,
    StorageFull,
    UploadConflict,
    UploadNotFound,
    Version,
)
from multitap.files import UploadSource
from multitap.parts import PART_BYTES, PartsPush, Pause, Step
from multitap.wire import Upload

SIZE = 2 * PART_BYTES + 5
SOURCE = UploadSource.of(bytes(SIZE))
PUBLICATION = Publication(Version.model_validate(VERSION), created=True)
CUT = ConnectionFailed("cut")
ENDS = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=1)
RETRIES = Retries(limit=1, first_wait_s=1.0, longest_wait_s=4.0, part_limit=3)
OPEN = "POST /uploads"
ASK = "GET /uploads/u1"
DISCARD = "DELETE /uploads/u1"
PUBLISH = "POST /tasks/spam/versions u1 next"

Answer = Upload | Publication | MultitapError | OSError | None


def at(offset: int, upload: str = "u1") -> Upload:
    """Return an upload of which some bytes have arrived."""
    return Upload(upload=upload, offset=offset, size_bytes=SIZE, expires_at=ENDS)


def part(number: int, offset: int | None = None) -> str:
    """Return how a part is shown below."""
    start = number * PART_BYTES if offset is None else offset
    return f"PATCH /uploads/u1 {start}+{min(PART_BYTES, SIZE - start)}"


def shown(step: Step) -> str:
    """Return a step in a line."""
    if isinstance(step, Pause):
        return f"wait {step.wait_s:g}"
    if isinstance(step.body, UploadSource):
        assert step.headers()["upload-offset"] == str(step.body.start)
        return f"{step.method} {step.path} {step.body.start}+{step.body.size_bytes}"
    return " ".join([step.method, step.path, *step.params.values()])


def run(
    answers: Sequence[Answer], retries: Retries = RETRIES
) -> tuple[list[str], Publication | Exception]:
    """Perform a push with these answers; waits have none. Return its steps and what it did."""
    steps = PartsPush("spam", SOURCE, "sha256:d", "next", retries).steps()
    rest, taken = list(answers), list[str]()
    answer: Answer = None
    try:
        while True:
            step = steps.throw(answer) if isinstance(answer, Exception) else steps.send(answer)
            taken.append(shown(step))
            answer = None if isinstance(step, Pause) else rest.pop(0)
    except StopIteration as end:
        assert rest == []
        result: Publication = end.value
        return taken, result
    except (MultitapError, OSError) as error:
        assert rest == []
        return taken, error


WHOLE: list[Answer] = [at(0), at(PART_BYTES), at(2 * PART_BYTES), at(SIZE)]


def test_parts_go_one_after_the_other_and_become_a_version() -> None:
    assert run([*WHOLE, PUBLICATION]) == ([OPEN, part(0), part(1), part(2), PUBLISH], PUBLICATION)


@pytest.mark.parametrize(
    "error", [CUT, ConnectionFailed("no", sent=False), RequestTimedOut("slow"), BodyTooSlow("slow")]
)
def test_after_a_cut_the_push_goes_on_from_what_arrived(error: MultitapError) -> None:
    arrived = PART_BYTES + 7

    steps, result = run([at(0), at(PART_BYTES), error, at(arrived), at(SIZE), PUBLICATION])

    assert steps == [OPEN, part(0), part(1), "wait 1", ASK, part(1, arrived), PUBLISH]
    assert result == PUBLICATION


def test_a_part_that_went_through_before_the_cut_is_not_sent_again() -> None:
    steps, _ = run([at(0), CUT, at(PART_BYTES), at(2 * PART_BYTES), at(SIZE), PUBLICATION])

    assert steps == [OPEN, part(0), "wait 1", ASK, part(1), part(2), PUBLISH]


def test_a_conflict_is_settled_by_asking() -> None:
    steps, result = run([at(0), UploadConflict("is at 4"), at(SIZE), PUBLICATION])

    assert steps == [OPEN, part(0), "wait 1", ASK, PUBLISH]
    assert result == PUBLICATION


def test_the_wait_grows_while_nothing_more_arrives_and_the_push_ends() -> None:
    steps, result = run([at(0), CUT, at(0), CUT, at(0), CUT, at(0), CUT, None])

    assert steps == [
        *(OPEN, part(0), "wait 1", ASK, part(0), "wait 2", ASK, part(0), "wait 4", ASK),
        *(part(0), DISCARD),
    ]
    assert result is CUT


def test_a_byte_more_makes_the_push_patient_again() -> None:
    cuts = [answer for n in range(1, 9) for answer in (CUT, at(n))]

    steps, result = run([at(0), *cuts, at(SIZE), PUBLICATION])

    assert [step for step in steps if step.startswith("wait")] == ["wait 1"] * 8
    assert result == PUBLICATION


def test_a_server_that_is_away_is_asked_for_the_offset_until_it_is_back() -> None:
    steps, result = run([at(0), CUT, CUT, CUT, at(PART_BYTES), at(SIZE), PUBLICATION])

    assert steps == [
        *(OPEN, part(0), "wait 1", ASK, "wait 1", ASK, "wait 2", ASK),
        *(part(1), PUBLISH),
    ]
    assert result == PUBLICATION


def test_retry_after_is_honoured_unless_it_is_long() -> None:
    short = Overloaded("busy", status=429, retry_after_s=3)
    long = Overloaded("busy", status=429, retry_after_s=5)

    steps, result = run([at(0), short, at(0), long, None])

    assert steps == [OPEN, part(0), "wait 3", ASK, part(0), DISCARD]
    assert result is long


def test_a_cut_while_publishing_is_no_reason_to_send_again() -> None:
    steps, result = run([*WHOLE, CUT, PUBLICATION])

    assert steps == [OPEN, part(0), part(1), part(2), PUBLISH, "wait 1", PUBLISH]
    assert result == PUBLICATION


def test_an_upload_that_the_server_forgot_is_begun_anew_once() -> None:
    gone = UploadNotFound("no upload")

    steps, result = run([at(0), gone, *WHOLE, PUBLICATION])
    assert steps == [OPEN, part(0), OPEN, part(0), part(1), part(2), PUBLISH]
    assert result == PUBLICATION

    steps, result = run([at(0), gone, at(0), gone])
    assert steps == [OPEN, part(0)] * 2
    assert result is gone


@pytest.mark.parametrize("error", [InvalidAdapter("no"), StorageFull("no", status=507)])
def test_a_refusal_leaves_nothing_on_the_server(error: MultitapError) -> None:
    steps, result = run([*WHOLE, error, UploadNotFound("it is gone already")])

    assert steps[-2:] == [PUBLISH, DISCARD]
    assert result is error


def test_a_file_that_cannot_be_read_any_more_leaves_nothing_on_the_server() -> None:
    error = OSError("gone")

    steps, result = run([at(0), error, None])

    assert steps == [OPEN, part(0), DISCARD]
    assert result is error


def test_opening_is_tried_as_often_as_any_call() -> None:
    assert run([CUT, CUT]) == ([OPEN, "wait 1", OPEN], CUT)


def test_a_quota_that_is_used_up_is_left_to_the_caller() -> None:
    error = QuotaExceeded("used up", status=429, retry_after_s=60)

    assert run([error]) == ([OPEN], error)


def test_without_further_attempts_the_first_cut_ends_the_push() -> None:
    steps, result = run([at(0), CUT, None], Retries(limit=0, part_limit=0))

    assert (steps, result) == ([OPEN, part(0), DISCARD], CUT)
