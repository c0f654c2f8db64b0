"""The queue's order, its bounds, and that every row gives its room back once."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_parts import PATIENCE_S, plain_adapter, rows, submission
from multitap_adapters.adapter import Adapter
from multitap_server.engine.batcher import Batcher
from multitap_server.engine.errors import EngineStopped, Overloaded
from multitap_server.engine.submission import QueuedRow, Submission

Make = Callable[..., Submission]


class Clock:
    """A clock that a test moves, and that says when it was read."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.was_read = threading.Event()

    def __call__(self) -> float:
        now_s = self.now_s
        self.was_read.set()
        return now_s


def batcher(*, batch: int = 100, queue: int = 1_000, clock: Clock | None = None) -> Batcher:
    return Batcher(batch_tokens=batch, queued_tokens=queue, clock=clock or Clock())


def put(queue: Batcher, adapter: Adapter, *submissions: Submission) -> None:
    for each in submissions:
        queue.reserve(each)
        queue.put(each, adapter)


def drain(queue: Batcher) -> list[list[QueuedRow]]:
    """Stop the queue, and return every batch that is left in it."""
    queue.stop()
    batches: list[list[QueuedRow]] = []
    while batch := queue.take():
        batches.append(batch)
    return batches


def sizes(batches: Sequence[Sequence[QueuedRow]]) -> list[list[int]]:
    return [[row.tokens for row in batch] for batch in batches]


def test_rows_of_several_submissions_share_a_batch_in_the_order_they_came(
    make: Make, adapter: Adapter
) -> None:
    queue, first, second = batcher(), make(30, 20), make(10)
    put(queue, adapter, first, second)

    batch = queue.take()

    assert [(row.submission, row.index) for row in batch] == [(first, 0), (first, 1), (second, 0)]


def test_a_row_knows_its_tokens_and_its_adapter(make: Make, adapter: Adapter) -> None:
    queue, one = batcher(), make(3, 4)
    put(queue, adapter, one)

    rows = queue.take()

    assert [row.encoded for row in rows] == list(one.rows)
    assert all(row.adapter is adapter for row in rows)


def test_a_batch_is_filled_up_to_the_budget_and_not_beyond(make: Make, adapter: Adapter) -> None:
    queue = batcher(batch=100)
    put(queue, adapter, make(60, 40, 1))

    assert sizes(drain(queue)) == [[60, 40], [1]]


def test_a_row_larger_than_the_budget_runs_alone(make: Make, adapter: Adapter) -> None:
    queue = batcher(batch=100)
    put(queue, adapter, make(5), make(150), make(5))

    assert sizes(drain(queue)) == [[5], [150], [5]]


def test_a_huge_submission_is_split_over_batches_and_lets_others_follow(
    make: Make, adapter: Adapter
) -> None:
    queue = batcher(batch=100)
    put(queue, adapter, make(*[40] * 5), make(10))

    assert sizes(drain(queue)) == [[40, 40], [40, 40], [40, 10]]


def test_a_full_queue_refuses_and_counts_nothing(make: Make) -> None:
    queue = batcher(queue=100)
    queue.reserve(make(60, 40))

    with pytest.raises(Overloaded):
        queue.reserve(make(1))

    assert queue.waiting_rows() == 2


def test_an_empty_queue_takes_a_submission_larger_than_its_bound(
    make: Make, adapter: Adapter
) -> None:
    queue = batcher(queue=100)
    put(queue, adapter, make(*[90] * 3))

    assert queue.waiting_rows() == 3
    with pytest.raises(Overloaded):
        queue.reserve(make(1))


def test_taken_rows_give_their_room_back(make: Make, adapter: Adapter) -> None:
    queue = batcher(queue=100)
    put(queue, adapter, make(100))
    queue.take()

    queue.reserve(make(100))

    assert queue.waiting_rows() == 1


def test_a_released_reservation_gives_its_room_back(make: Make) -> None:
    queue, gone = batcher(queue=100), make(60, 40)
    queue.reserve(gone)

    queue.release(gone)

    assert queue.waiting_rows() == 0
    queue.reserve(make(100))


def test_abandoned_rows_are_dropped_and_give_their_room_back(make: Make, adapter: Adapter) -> None:
    queue, gone, kept = batcher(queue=120), make(30, 30), make(40)
    put(queue, adapter, gone, kept)
    gone.abandoned = True

    assert [row.submission for row in queue.take()] == [kept]
    assert queue.waiting_rows() == 0
    queue.reserve(make(120))


def test_a_submission_abandoned_half_way_loses_only_the_rows_that_have_not_run(
    make: Make, adapter: Adapter
) -> None:
    queue, gone = batcher(batch=50), make(50, 50)
    put(queue, adapter, gone)
    queue.take()
    gone.abandoned = True

    assert drain(queue) == []
    assert queue.waiting_rows() == 0


def test_the_wait_that_a_refusal_names_follows_the_measured_rate(
    make: Make, adapter: Adapter
) -> None:
    clock = Clock()
    queue = batcher(batch=2_000, queue=2_000, clock=clock)
    put(queue, adapter, make(2_000))
    queue.take()
    put(queue, adapter, make(2_000))
    clock.now_s += 4.0
    queue.take()  # 500 tokens/s were measured: 5,000 + 0.2 * (500 - 5,000) = 4,100
    queue.reserve(make(2_000))

    with pytest.raises(Overloaded) as refused:
        queue.reserve(make(570))  # an eighth of the queue is for others: 820 tokens must leave

    assert refused.value.retry_after_s == pytest.approx(0.2)


def test_time_without_work_does_not_count_as_slow(make: Make, adapter: Adapter) -> None:
    clock = Clock()
    queue = batcher(batch=1_000, queue=1_000, clock=clock)
    put(queue, adapter, make(1_000))
    queue.take()
    clock.now_s += 0.2  # 5,000 tokens/s, which is what was guessed
    clock.was_read.clear()
    taker = threading.Thread(target=queue.take)
    taker.start()
    assert clock.was_read.wait(PATIENCE_S)
    clock.now_s += 3_600.0
    put(queue, adapter, make(1_000))
    taker.join(PATIENCE_S)
    queue.reserve(make(1_000))

    with pytest.raises(Overloaded) as refused:
        queue.reserve(make(875))  # an eighth of the queue is for others

    assert refused.value.retry_after_s == pytest.approx(0.2)


@pytest.mark.parametrize(("excess", "expected_s"), [(1, 0.1), (1_000_000, 60.0)])
def test_the_wait_is_neither_too_short_nor_too_long(
    make: Make, excess: int, expected_s: float
) -> None:
    queue, huge = batcher(queue=10), make()
    huge.rows = rows([1]) * excess
    queue.reserve(make(10))

    with pytest.raises(Overloaded) as refused:
        queue.reserve(huge)

    assert refused.value.retry_after_s == expected_s


def test_a_waiting_taker_wakes_up_when_rows_come(make: Make, adapter: Adapter) -> None:
    queue, taken = batcher(), list[list[QueuedRow]]()
    taker = threading.Thread(target=lambda: taken.append(queue.take()))
    taker.start()

    put(queue, adapter, make(5))
    taker.join(PATIENCE_S)

    assert sizes(taken) == [[5]]


def test_a_waiting_taker_gets_nothing_when_the_queue_stops() -> None:
    queue, taken = batcher(), list[list[QueuedRow]]()
    taker = threading.Thread(target=lambda: taken.append(queue.take()))
    taker.start()

    queue.stop()
    taker.join(PATIENCE_S)

    assert taken == [[]]


def test_after_a_stop_queued_rows_still_run_and_new_ones_are_refused(
    make: Make, adapter: Adapter
) -> None:
    queue = batcher()
    put(queue, adapter, make(5, 6))
    queue.stop()

    with pytest.raises(EngineStopped):
        queue.reserve(make(1))

    assert sizes(drain(queue)) == [[5, 6]]


Steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "release", "abandon", "take"]),
        st.lists(st.integers(1, 70), min_size=1, max_size=6),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(steps=Steps)
def test_every_row_is_taken_once_in_order_or_dropped_and_all_room_comes_back(
    steps: list[tuple[str, list[int]]],
) -> None:
    queue, adapter = batcher(batch=64, queue=300), plain_adapter()
    waiting: list[tuple[Submission, int]] = []
    with closing(asyncio.new_event_loop()) as loop:
        for action, lengths in steps:
            if action == "take" and waiting:
                _expect(queue.take(), waiting)
            elif action == "abandon" and waiting:
                waiting[-1][0].abandoned = True
                waiting = [place for place in waiting if not place[0].abandoned]
            elif action in {"put", "release"}:
                offered = submission(loop, *lengths)
                if _accepts(queue, offered):
                    if action == "put":
                        queue.put(offered, adapter)
                        waiting += [(offered, index) for index in range(len(lengths))]
                    else:
                        queue.release(offered)
    for batch in drain(queue):
        _expect(batch, waiting)
    assert waiting == []
    assert queue.waiting_rows() == 0


def _accepts(queue: Batcher, offered: Submission) -> bool:
    try:
        queue.reserve(offered)
    except Overloaded:
        return False
    return True


def _expect(batch: list[QueuedRow], waiting: list[tuple[Submission, int]]) -> None:
    """Check a batch against the rows that should come next, and strike them out."""
    assert batch
    assert [(row.submission, row.index) for row in batch] == waiting[: len(batch)]
    assert len(batch) == 1 or sum(row.tokens for row in batch) <= 64
    del waiting[: len(batch)]
