"""Rows of tokens laid end to end in one matrix, without padding.

Shape suffixes: T tokens of all rows. Only attention needs to know where a row ends, so a batch
also says how its rows group by length: attention runs once per distinct length.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class LengthGroup:
    """`rows` rows of `length` tokens each, adjacent in length order."""

    rows: int
    length: int


@dataclass(frozen=True, slots=True)
class PackedRows:
    """A batch without padding.

    `starts_R` is each row's first token. `length_order_T` puts the tokens of rows of one length
    side by side, and `packed_order_T` puts them back; both are None where the rows are so already.
    """

    token_ids_T: Tensor
    type_ids_T: Tensor
    positions_T: Tensor
    starts_R: Tensor
    lengths: tuple[int, ...]
    groups: tuple[LengthGroup, ...]
    length_order_T: Tensor | None
    packed_order_T: Tensor | None

    @property
    def tokens(self) -> int:
        """The number of tokens of all rows."""
        return int(self.token_ids_T.shape[0])


def pack_rows(
    token_ids: Sequence[Sequence[int]],
    type_ids: Sequence[Sequence[int]],
    *,
    position_offset: int = 0,
) -> PackedRows:
    """Lay rows of token ids end to end, in the order given; every row has a token at least."""
    lengths = tuple(len(row) for row in token_ids)
    if not lengths or min(lengths) < 1:
        raise ValueError("a batch needs a row, and every row a token")
    starts = [0]
    for length in lengths:
        starts.append(starts[-1] + length)
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    length_order = packed_order = None
    if order != list(range(len(lengths))):
        length_order = torch.cat([torch.arange(starts[r], starts[r + 1]) for r in order])
        packed_order = torch.empty_like(length_order)
        packed_order[length_order] = torch.arange(starts[-1])
    return PackedRows(
        token_ids_T=_flat(token_ids),
        type_ids_T=_flat(type_ids),
        positions_T=torch.cat([torch.arange(n) for n in lengths]) + position_offset,
        starts_R=torch.tensor(starts[:-1]),
        lengths=lengths,
        groups=_groups([lengths[r] for r in order]),
        length_order_T=length_order,
        packed_order_T=packed_order,
    )


def _flat(rows: Sequence[Sequence[int]]) -> Tensor:
    return torch.tensor([token for row in rows for token in row], dtype=torch.long)


def _groups(ascending: list[int]) -> tuple[LengthGroup, ...]:
    counts: dict[int, int] = {}
    for length in ascending:
        counts[length] = counts.get(length, 0) + 1
    return tuple(LengthGroup(rows=rows, length=length) for length, rows in counts.items())
