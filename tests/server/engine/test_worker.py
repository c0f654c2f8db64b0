"""The worker thread: whole submissions come back once, and one that fails, fails alone."""

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from engine_parts import PATIENCE_S, plain_adapter
from multitap_adapters.adapter import Adapter
from multitap_server.engine.batcher import Batcher
from multitap_server.engine.contract import Output
from multitap_server.engine.runner import RunnableRow
from multitap_server.engine.submission import Submission
from multitap_server.engine.worker import Worker

Make = Callable[..., Submission]
POISON_TOKENS = 13


class Bench:
    """A worker with a fake forward pass: a row's output is its number of tokens."""

    def __init__(self, *, batch_tokens: int = 100) -> None:
        self.batcher = Batcher(batch_tokens=batch_tokens, queued_tokens=10_000)
        self.batches: list[list[int]] = []
        self.handed: list[tuple[Submission, Exception | None]] = []
        self.refuse_answers = False
        self.ended = threading.Event()
        self.worker = Worker(
            self.batcher, self.run, hand_back=self.hand_back, on_end=self.ended.set
        )

    def run(self, rows: Sequence[RunnableRow]) -> list[Output]:
        sizes = [len(row.encoded.token_ids) for row in rows]
        self.batches.append(sizes)
        if POISON_TOKENS in sizes:
            raise ValueError("poison")
        return [np.array([size], dtype=np.float32) for size in sizes]

    def hand_back(self, submissions: Sequence[Submission], error: Exception | None) -> None:
        if self.refuse_answers:
            raise RuntimeError("event loop is closed")
        self.handed += [(submission, error) for submission in submissions]

    def queue(self, *submissions: Submission, adapter: Adapter | None = None) -> None:
        for submission in submissions:
            self.batcher.reserve(submission)
            self.batcher.put(submission, adapter or plain_adapter())

    def finish(self) -> None:
        """Run what is queued, to the end of the thread."""
        self.batcher.stop()
        if not self.worker.alive:
            self.worker.start()
        self.worker.join(PATIENCE_S)
        assert not self.worker.alive


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.batcher.stop()
    bench.worker.join(PATIENCE_S)


def test_submissions_of_one_batch_come_back_together_with_their_own_outputs(
    bench: Bench, make: Make
) -> None:
    first, second = make(3, 4), make(5)
    bench.queue(first, second)
    bench.finish()

    assert bench.handed == [(first, None), (second, None)]
    assert {i: o.tolist() for i, o in first.outputs.items()} == {0: [3], 1: [4]}
    assert second.outputs[0].tolist() == [5]


def test_a_submission_over_several_batches_comes_back_once_after_its_last_row(make: Make) -> None:
    bench = Bench(batch_tokens=10)
    huge, other = make(*[8] * 4), make(2)
    bench.queue(huge, other)
    bench.finish()

    assert bench.batches == [[8], [8], [8], [8, 2]]
    assert bench.handed == [(huge, None), (other, None)]
    assert len(huge.outputs) == 4


def test_passes_rows_and_tokens_are_counted(make: Make) -> None:
    bench = Bench(batch_tokens=10)
    bench.queue(make(8, 8), make(2))
    bench.finish()

    assert (bench.worker.forward_passes, bench.worker.rows, bench.worker.tokens) == (2, 3, 18)


@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_submission_that_fails_fails_alone(bench: Bench, make: Make, place: int) -> None:
    submissions = [make(2, 3) for _ in range(7)]
    submissions[place] = poison = make(2, POISON_TOKENS)
    bench.queue(*submissions)
    bench.finish()

    outcome = dict(bench.handed)
    assert len(bench.handed) == 7
    assert str(outcome.pop(poison)) == "poison"
    assert set(outcome.values()) == {None}
    assert len(bench.batches) == 7 or len(bench.batches) == 5  # halving, not one by one


def test_two_failures_in_one_batch_are_told_apart(bench: Bench, make: Make) -> None:
    good, bad, worse = make(2), make(POISON_TOKENS), make(POISON_TOKENS, 2)
    bench.queue(bad, good, worse)
    bench.finish()

    assert {s for s, error in bench.handed if error is not None} == {bad, worse}
    assert {s for s, error in bench.handed if error is None} == {good}


def test_only_rows_that_ran_are_counted(bench: Bench, make: Make) -> None:
    bench.queue(make(2, 3), make(POISON_TOKENS))
    bench.finish()

    assert (bench.worker.forward_passes, bench.worker.rows, bench.worker.tokens) == (1, 2, 5)


def test_the_thread_goes_on_after_a_failure(make: Make) -> None:
    bench = Bench(batch_tokens=POISON_TOKENS)
    bad, good = make(POISON_TOKENS), make(9)
    bench.queue(bad, good)
    bench.finish()

    assert [(s, error is None) for s, error in bench.handed] == [(bad, False), (good, True)]


def test_a_stopped_queue_ends_the_thread_and_says_so(bench: Bench) -> None:
    bench.worker.start()
    assert bench.worker.alive

    bench.finish()

    assert bench.ended.is_set()


def test_a_worker_that_cannot_hand_back_ends_and_says_so(bench: Bench, make: Make) -> None:
    bench.refuse_answers = True
    bench.worker.start()
    bench.queue(make(2))

    assert bench.ended.wait(PATIENCE_S)
    bench.worker.join(PATIENCE_S)
    assert not bench.worker.alive


def test_joining_a_worker_that_never_started_returns_at_once(bench: Bench) -> None:
    bench.worker.join(PATIENCE_S)

    assert not bench.worker.alive


def test_a_waiting_worker_keeps_no_adapter_alive(bench: Bench, make: Make) -> None:
    adapter = plain_adapter()
    gone = threading.Event()
    weakref.finalize(adapter, gone.set)
    bench.worker.start()
    bench.queue(make(2), adapter=adapter)

    del adapter

    assert gone.wait(PATIENCE_S)
