"""Positions of tokens, counted one by one."""

from hypothesis import given
from hypothesis import strategies as st

from multitap_adapters.packing import pack_rows
from multitap_adapters.positions import position_ids
from tensor_values import values

_rows = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=9), min_size=1, max_size=9)


def _counted(row: list[int], padding_id: int) -> list[int]:
    """Return a row's positions as RoBERTa counts them."""
    count, positions = 0, list[int]()
    for token in row:
        count += token != padding_id
        positions.append(padding_id if token == padding_id else padding_id + count)
    return positions


@given(_rows)
def test_without_a_padding_id_positions_are_places(rows: list[list[int]]) -> None:
    packed = pack_rows(rows, rows)

    positions_T = position_ids(packed, None)

    assert values(positions_T[: packed.tokens]) == [n for row in rows for n in range(len(row))]
    assert values(positions_T[packed.tokens :]) == [0] * packed.filler


@given(_rows, st.integers(0, 5))
def test_padding_tokens_have_their_own_position_and_do_not_count(
    rows: list[list[int]], padding_id: int
) -> None:
    packed = pack_rows(rows, rows)

    positions_T = position_ids(packed, padding_id)

    expected = [position for row in rows for position in _counted(row, padding_id)]
    assert values(positions_T[: packed.tokens]) == expected
    # A filler is a row of the token 0.
    assert values(positions_T[packed.tokens :]) == _counted([0], padding_id) * packed.filler
