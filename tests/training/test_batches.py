"""Batches hold every row once, of similar length, in an order that the generator decides."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multitap_training.batches import ordered_batches, shuffled_batches

Lengths = st.lists(st.integers(1, 100), min_size=1, max_size=300)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(max_examples=50, deadline=None)
@given(lengths=Lengths, batch_size=st.integers(1, 40), seed=st.integers(0, 99))
def test_every_row_is_in_one_batch_and_batches_are_full(
    lengths: list[int], batch_size: int, seed: int
) -> None:
    for batches in (
        shuffled_batches(lengths, batch_size, generator(seed)),
        ordered_batches(lengths, batch_size),
    ):
        assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
        assert max(map(len, batches)) <= batch_size
        assert len(batches) == -(-len(lengths) // batch_size)


@settings(max_examples=50, deadline=None)
@given(lengths=Lengths, seed=st.integers(0, 99))
def test_a_batch_is_in_length_order(lengths: list[int], seed: int) -> None:
    for batch in shuffled_batches(lengths, 8, generator(seed)):
        sizes = [lengths[row] for row in batch]
        assert sizes == sorted(sizes)


def test_rows_of_a_batch_are_of_similar_length() -> None:
    lengths = [1 + row % 50 for row in range(500)]

    batches = shuffled_batches(lengths, 10, generator(0))

    assert all(len({lengths[row] for row in batch}) == 1 for batch in batches)


def test_the_order_is_the_seed_s_and_not_the_lengths() -> None:
    lengths = [1 + row % 50 for row in range(400)]

    first, same, other = (shuffled_batches(lengths, 16, generator(seed)) for seed in (1, 1, 2))

    assert first == same
    assert first != other
    firsts = [lengths[batch[0]] for batch in first]
    assert firsts != sorted(firsts)


def test_an_epoch_goes_on_from_where_the_generator_stands() -> None:
    lengths = [5] * 100
    shared = generator(3)

    assert shuffled_batches(lengths, 10, shared) != shuffled_batches(lengths, 10, shared)


def test_rows_mix_across_the_whole_of_a_large_pool() -> None:
    batches = shuffled_batches([5] * 1_000, 100, generator(0))

    assert all(max(batch) - min(batch) > 500 for batch in batches)


def test_measuring_goes_from_short_to_long() -> None:
    assert ordered_batches([9, 2, 5, 2], 2) == [[1, 3], [2, 0]]
