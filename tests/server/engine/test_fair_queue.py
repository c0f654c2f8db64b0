"""Turns by tokens: nobody gets more than a share, and nobody waits for what others have queued."""

import asyncio
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_parts import plain_adapter, rows
from multitap_adapters.adapter import Adapter
from multitap_server.engine.batcher import Batcher
from multitap_server.engine.errors import Overloaded
from multitap_server.engine.fair_queue import QUANTUM_TOKENS, FairQueue
from multitap_server.engine.submission import QueuedRow, Submission

LONGEST = 200
Lengths = st.lists(st.integers(1, LONGEST), min_size=1, max_size=20)


@pytest.fixture
def flows() -> Generator["Flows"]:
    with making_flows() as made:
        yield made


class Flows:
    """Makes rows of named flows."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._adapter = plain_adapter()

    def submission(self, flow: str, *lengths: int) -> Submission:
        """Return a submission of a flow."""
        return Submission(rows(lengths), self._loop.create_future(), flow)

    def queued(self, flow: str, *lengths: int) -> list[QueuedRow]:
        """Return the rows of a submission, ready to be queued."""
        made = self.submission(flow, *lengths)
        return [QueuedRow(made, i, self._adapter, length) for i, length in enumerate(lengths)]

    @property
    def adapter(self) -> Adapter:
        """The adapter of all of them."""
        return self._adapter


@contextmanager
def making_flows() -> Generator[Flows]:
    with closing(asyncio.new_event_loop()) as loop:
        yield Flows(loop)


def put(queue: FairQueue, *queued: QueuedRow) -> None:
    for row in queued:
        queue.put(row)


def names(batch: Sequence[QueuedRow]) -> list[str]:
    return [row.submission.flow for row in batch]


def drain(queue: FairQueue, most_tokens: int) -> list[list[QueuedRow]]:
    batches: list[list[QueuedRow]] = []
    while batch := queue.take(most_tokens).rows:
        batches.append(batch)
    return batches


def test_a_row_of_another_flow_does_not_wait_for_all_that_came_before(flows: Flows) -> None:
    queue = FairQueue()
    put(queue, *flows.queued("flood", *[64] * 100), *flows.queued("one", 20))

    assert names(queue.take(200).rows) == ["flood", "flood", "one"]


def test_rows_of_a_flow_keep_their_order(flows: Flows) -> None:
    queue = FairQueue()
    put(queue, *flows.queued("a", 9, 150, 3), *flows.queued("b", 100, 100), *flows.queued("a", 5))
    taken = [row for batch in drain(queue, 120) for row in batch]

    assert [row.tokens for row in taken if row.submission.flow == "a"] == [9, 150, 3, 5]


def test_a_turn_goes_on_in_the_next_batch_without_new_credit(flows: Flows) -> None:
    queue = FairQueue(quantum_tokens=100)
    put(queue, *flows.queued("a", *[50] * 6), *flows.queued("b", *[50] * 6))

    batches = drain(queue, 150)

    assert [names(batch) for batch in batches] == [
        ["a", "a", "b"],
        ["b", "a", "a"],
        ["b", "b", "a"],
        ["a", "b", "b"],
    ]


def test_credit_of_a_flow_that_ran_empty_is_lost(flows: Flows) -> None:
    queue = FairQueue(quantum_tokens=100)
    put(queue, *flows.queued("a", 1))
    queue.take(1_000)
    put(queue, *flows.queued("b", 100, 100), *flows.queued("a", 100, 100))

    assert names(queue.take(1_000).rows) == ["b", "a", "b", "a"]


def test_abandoned_rows_cost_nothing_and_are_told_apart(flows: Flows) -> None:
    queue = FairQueue(quantum_tokens=100)
    gone, kept = flows.queued("a", *[90] * 5), flows.queued("a", 90)
    put(queue, *gone, *kept)
    gone[0].submission.abandoned = True

    taken = queue.take(100)

    assert (taken.rows, taken.abandoned, taken.tokens) == (kept, gone, 90)


@settings(max_examples=60, deadline=None)
@given(
    first=st.lists(st.integers(1, LONGEST), min_size=30, max_size=60),
    second=st.lists(st.integers(1, LONGEST), min_size=30, max_size=60),
    most_tokens=st.integers(1, 600),
)
def test_two_flows_that_wait_get_the_same_tokens_over_any_stretch(
    first: list[int], second: list[int], most_tokens: int
) -> None:
    queue = FairQueue()
    with making_flows() as flows:
        put(queue, *flows.queued("a", *first), *flows.queued("b", *second))
        taken = [row for batch in drain(queue, most_tokens) for row in batch]
    left = Counter(a=len(first), b=len(second))
    ahead = [0]
    for row in taken:
        left[row.submission.flow] -= 1
        sign = 1 if row.submission.flow == "a" else -1
        ahead.append(ahead[-1] + sign * row.tokens)
        if not left[row.submission.flow]:
            break

    assert max(ahead) - min(ahead) <= QUANTUM_TOKENS + 2 * LONGEST


@settings(max_examples=60, deadline=None)
@given(
    floods=st.lists(Lengths, min_size=1, max_size=6),
    mine=Lengths,
    before=st.integers(0, 5),
    most_tokens=st.integers(1, 600),
)
def test_no_row_waits_for_more_than_the_stated_bound(
    floods: list[list[int]], mine: list[int], before: int, most_tokens: int
) -> None:
    queue = FairQueue()
    with making_flows() as flows:
        for number, lengths in enumerate(floods):
            put(queue, *flows.queued(f"flood-{number}", *lengths * 10))
        for _ in range(before):
            queue.take(most_tokens)
        put(queue, *flows.queued("mine", *mine))
        taken = [row for batch in drain(queue, most_tokens) for row in batch]
    others = own = 0
    for row in taken:
        if row.submission.flow != "mine":
            others += row.tokens
            continue
        own += row.tokens
        turns = ceil(own / QUANTUM_TOKENS)
        assert others <= turns * len(floods) * (QUANTUM_TOKENS + LONGEST)


@dataclass
class Simulation:
    """A batcher and a processor in simulated time: so long for a pass, and so many tokens a second.

    Flows that flood put as much as the batcher takes, whenever it takes some.
    """

    flows: Flows
    floods: int
    batch_tokens: int = 1_024
    pass_s: float = 0.002
    tokens_per_s: float = 10_000.0
    now_s: float = 0.0

    def waits_s(self, arrivals: Sequence[float], tokens: int) -> list[float]:
        """Return how long a row of its own flow waits that arrives at each of the times."""
        queue = Batcher(
            batch_tokens=self.batch_tokens, queued_tokens=64_000, clock=lambda: self.now_s
        )
        coming = list(arrivals)
        arrived: dict[Submission, float] = {}
        waits: list[float] = []
        while coming or arrived:
            self._flood(queue)
            if not arrived and not queue.waiting_rows():
                self.now_s = max(self.now_s, coming[0])
            while coming and coming[0] <= self.now_s:
                row = self.flows.submission("one", tokens)
                queue.reserve(row)
                queue.put(row, self.flows.adapter)
                arrived[row] = coming.pop(0)
            batch = queue.take()
            self.now_s += self.pass_s + sum(row.tokens for row in batch) / self.tokens_per_s
            waits += [
                self.now_s - arrived.pop(row.submission)
                for row in batch
                if row.submission in arrived
            ]
        return waits

    def _flood(self, queue: Batcher) -> None:
        for number in range(self.floods):
            while True:
                offered = self.flows.submission(f"flood-{number}", *[100] * 5)
                try:
                    queue.reserve(offered)
                except Overloaded:
                    break
                queue.put(offered, self.flows.adapter)


@pytest.mark.parametrize("floods", [1, 4])
def test_a_flood_beyond_all_limits_delays_others_by_two_batches_and_refuses_none(
    flows: Flows, floods: int
) -> None:
    arrivals = [0.05 * number for number in range(200)]
    alone = Simulation(flows, floods=0).waits_s(arrivals, tokens=16)
    beside = Simulation(flows, floods=floods).waits_s(arrivals, tokens=16)

    longest_batch_s = 0.002 + 1_024 / 10_000
    assert max(alone) == pytest.approx(0.002 + 16 / 10_000)
    # The batch that is under way as it arrives, and the one that takes it.
    assert max(beside) <= 2 * longest_batch_s


def fill(queue: Batcher, flows: Flows, flow: str, *lengths: int) -> None:
    """Queue submissions of a flow until one is refused."""
    while queue.waiting_rows() < 10_000:
        row = flows.submission(flow, *lengths)
        queue.reserve(row)
        queue.put(row, flows.adapter)


def overflow(queue: Batcher, flows: Flows, flow: str, *lengths: int) -> Overloaded:
    """Queue submissions of a flow until one is refused, and return the refusal."""
    with pytest.raises(Overloaded) as refused:
        fill(queue, flows, flow, *lengths)
    return refused.value


def test_floods_leave_an_eighth_of_the_queue_to_those_who_have_little(flows: Flows) -> None:
    queue = Batcher(batch_tokens=100, queued_tokens=6_400)
    for number in range(20):
        overflow(queue, flows, f"flood-{number}", 200)

    for number in range(8):
        queue.reserve(flows.submission(f"other-{number}", 100))
    with pytest.raises(Overloaded):
        queue.reserve(flows.submission("one too many", 100))


def test_one_flood_leaves_room_to_another_that_wants_much(flows: Flows) -> None:
    queue = Batcher(batch_tokens=100, queued_tokens=8_000)
    overflow(queue, flows, "first", 10)
    alone = queue.waiting_rows() * 10
    overflow(queue, flows, "second", 10)
    together = queue.waiting_rows() * 10

    assert alone == pytest.approx(7_000 * 4 / 5, abs=20)
    assert together - alone == pytest.approx(1_400 * 4 / 5, abs=20)


def test_a_flow_that_flooded_may_queue_again_as_soon_as_its_wait_says(flows: Flows) -> None:
    queue = Batcher(batch_tokens=50, queued_tokens=1_000, clock=lambda: 0.0)
    refused = overflow(queue, flows, "flood", 10)
    queue.take()

    assert refused.retry_after_s == 0.1
    queue.reserve(flows.submission("flood", 10))
