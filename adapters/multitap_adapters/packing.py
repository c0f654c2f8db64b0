"""Rows of tokens laid end to end in one matrix, none padded to another's length.

Shape suffixes: T tokens of all rows. Only attention needs to know where a row ends, so a batch
also says how its rows group by length: attention runs once per distinct length. Behind the last
row stands a filler of single tokens, up to a size that recurs (buckets.py); nobody reads it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .buckets import bucket


@dataclass(frozen=True, slots=True)
class LengthGroup:
    """`rows` rows of `length` tokens each, adjacent in length order."""

    rows: int
    length: int


@dataclass(frozen=True, slots=True)
class PackedRows:
    """A batch of `tokens` tokens and `filler` more behind them.

    `places_T` are the tokens' places in their rows, from 0; a filler's is 0.
    `length_order_T` puts the tokens of rows of one length side by side, and `packed_order_T` puts
    them back; both are None where the rows are so already.
    """

    token_ids_T: Tensor
    type_ids_T: Tensor
    places_T: Tensor
    lengths: tuple[int, ...]
    groups: tuple[LengthGroup, ...]
    length_order_T: Tensor | None
    packed_order_T: Tensor | None
    tokens: int
    filler: int


def pack_rows(token_ids: Sequence[Sequence[int]], type_ids: Sequence[Sequence[int]]) -> PackedRows:
    """Lay rows of token ids end to end, in the order given; every row has a token at least.

    Raises:
        ValueError: there is no row, a row is empty, or its types are not as many as its tokens.
    """
    lengths = tuple(len(row) for row in token_ids)
    if not lengths or min(lengths) < 1:
        raise ValueError("a batch needs a row, and every row a token")
    if tuple(len(row) for row in type_ids) != lengths:
        raise ValueError("every row needs as many type ids as token ids")
    starts = [0]
    for length in lengths:
        starts.append(starts[-1] + length)
    tokens = starts[-1]
    filler = bucket(tokens) - tokens
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    length_order = packed_order = None
    if order != list(range(len(lengths))):
        parts = [torch.arange(starts[r], starts[r + 1]) for r in order]
        length_order = torch.cat([*parts, torch.arange(tokens, tokens + filler)])
        packed_order = torch.empty_like(length_order)
        packed_order[length_order] = torch.arange(tokens + filler)
    places = torch.cat([*(torch.arange(n) for n in lengths), torch.zeros(filler).long()])
    return PackedRows(
        token_ids_T=_flat(token_ids, filler),
        type_ids_T=_flat(type_ids, filler),
        places_T=places,
        lengths=lengths,
        groups=_groups([lengths[r] for r in order], filler),
        length_order_T=length_order,
        packed_order_T=packed_order,
        tokens=tokens,
        filler=filler,
    )


def _flat(rows: Sequence[Sequence[int]], filler: int) -> Tensor:
    return torch.tensor([token for row in rows for token in row] + [0] * filler, dtype=torch.long)


def _groups(ascending: list[int], filler: int) -> tuple[LengthGroup, ...]:
    counts: dict[int, int] = {}
    for length in ascending:
        counts[length] = counts.get(length, 0) + 1
    groups = [LengthGroup(rows=rows, length=length) for length, rows in counts.items()]
    return (*groups, LengthGroup(rows=filler, length=1)) if filler else tuple(groups)
