"""Token counts that come back."""

from hypothesis import given
from hypothesis import strategies as st

from multitap_adapters.buckets import bucket, recurs


@given(st.integers(1, 100_000))
def test_a_bucket_holds_the_tokens_and_recurs(tokens: int) -> None:
    size = bucket(tokens)

    assert size >= tokens
    assert recurs(size)


@given(st.integers(32, 100_000))
def test_filler_is_at_most_an_eighth_of_the_tokens(tokens: int) -> None:
    assert (bucket(tokens) - tokens) * 8 <= tokens


def test_no_tokens_are_no_recurring_size() -> None:
    assert not recurs(0)


def test_few_sizes_recur() -> None:
    assert len({bucket(tokens) for tokens in range(1, 16_385)}) < 100
