"""Rows laid end to end."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from multitap_adapters.buckets import recurs
from multitap_adapters.packing import LengthGroup, pack_rows
from tensor_values import values

_lengths = st.lists(st.integers(1, 12), min_size=1, max_size=12)


def _rows(lengths: list[int]) -> list[list[int]]:
    """Return rows whose token ids say where they are: row times 100 and place."""
    return [[100 * row + place for place in range(n)] for row, n in enumerate(lengths)]


@given(_lengths)
def test_tokens_keep_their_order_and_filler_stands_behind_them(lengths: list[int]) -> None:
    rows = _rows(lengths)
    packed = pack_rows(rows, rows)

    expected = [token for row in rows for token in row] + [0] * packed.filler
    assert values(packed.token_ids_T) == expected
    assert torch.equal(packed.token_ids_T, packed.type_ids_T)
    assert packed.tokens == sum(lengths)
    assert recurs(packed.tokens + packed.filler)


@given(_lengths)
def test_places_start_anew_in_every_row(lengths: list[int]) -> None:
    rows = _rows(lengths)
    packed = pack_rows(rows, rows)

    expected = [place for n in lengths for place in range(n)]
    assert values(packed.places_T) == expected + [0] * packed.filler


@given(_lengths)
def test_groups_hold_whole_rows_of_one_length_and_cover_every_token(lengths: list[int]) -> None:
    rows = _rows(lengths)
    packed = pack_rows(rows, rows)
    ids_T = packed.token_ids_T
    if packed.length_order_T is not None:
        ids_T = ids_T[packed.length_order_T]

    parts = torch.split(ids_T, [group.rows * group.length for group in packed.groups])

    fillers = [[0]] * packed.filler
    found = [
        values(row)
        for group, part in zip(packed.groups, parts, strict=True)
        for row in torch.split(part, [group.length] * group.rows)
    ]
    assert sorted(found) == sorted([*rows, *fillers])


@given(_lengths)
def test_the_packed_order_undoes_the_length_order(lengths: list[int]) -> None:
    rows = _rows(lengths)
    packed = pack_rows(rows, rows)

    if packed.length_order_T is None or packed.packed_order_T is None:
        assert packed.length_order_T is packed.packed_order_T is None
        assert lengths == sorted(lengths)
    else:
        total = packed.tokens + packed.filler
        restored_T = packed.length_order_T[packed.packed_order_T]
        assert values(restored_T) == list(range(total))


def test_rows_in_length_order_need_no_reordering() -> None:
    packed = pack_rows([[1], [2], [3, 4]], [[0], [0], [0, 0]])

    assert packed.length_order_T is None
    assert packed.groups == (LengthGroup(rows=2, length=1), LengthGroup(rows=1, length=2))


@pytest.mark.parametrize(
    ("token_ids", "type_ids", "message"),
    [
        ([], [], "a batch needs a row"),
        ([[1], []], [[0], []], "every row a token"),
        ([[1, 2]], [[0]], "as many type ids"),
        ([[1, 2], [3]], [[0], [0, 0]], "as many type ids"),
        ([[1, 2]], [[0, 0], [0]], "as many type ids"),
    ],
)
def test_a_batch_without_sense_is_refused(
    token_ids: list[list[int]], type_ids: list[list[int]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        pack_rows(token_ids, type_ids)
