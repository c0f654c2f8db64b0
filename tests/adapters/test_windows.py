"""Windows: they cover everything, and each span is answered from the best of them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multitap_adapters.windows import Windows

_sizes = st.tuples(st.integers(0, 400), st.integers(1, 60))


@given(_sizes)
def test_windows_cover_every_token_in_order(size: tuple[int, int]) -> None:
    tokens, room = size
    windows = Windows.over(tokens, room)

    assert windows.starts[0] == 0
    assert windows.starts[-1] + windows.length == tokens
    assert windows.length == min(tokens, room)
    steps = [b - a for a, b in pairwise(windows.starts)]
    assert all(0 < step <= room - room // 3 for step in steps)


@given(_sizes)
def test_there_is_no_window_more_than_needed(size: tuple[int, int]) -> None:
    tokens, room = size
    fewer = len(Windows.over(tokens, room).starts) - 1

    assert not fewer or fewer * (room - room // 3) + room // 3 < tokens


@given(_sizes, st.data())
def test_a_span_is_answered_where_its_poorer_side_is_richest(
    size: tuple[int, int], data: st.DataObject
) -> None:
    tokens, room = size
    windows = Windows.over(tokens + 1, room)
    first = data.draw(st.integers(0, tokens))
    last = data.draw(st.integers(first, tokens))

    owner = windows.owner(first, last)

    def context(start: int) -> int:
        return min(first - start, start + windows.length - 1 - last)

    best = max(range(len(windows.starts)), key=lambda i: context(windows.starts[i]))
    assert owner == (best if context(windows.starts[best]) >= 0 else None)


@given(_sizes, st.data())
def test_a_span_that_is_no_longer_than_the_overlap_always_has_a_window(
    size: tuple[int, int], data: st.DataObject
) -> None:
    tokens, room = size
    windows = Windows.over(tokens + 1, room)
    first = data.draw(st.integers(0, tokens))

    assert windows.owner(first, min(tokens, first + windows.overlap)) is not None


def test_a_short_text_is_one_window() -> None:
    assert Windows.over(7, 10) == Windows((0,), 7, 7)
    assert Windows.over(0, 10) == Windows((0,), 0, 0)


@pytest.mark.parametrize("room", [0, -3])
def test_a_window_without_room_is_refused(room: int) -> None:
    with pytest.raises(ValueError, match=f"a window of {room} tokens has no room"):
        Windows.over(5, room)
