"""Tokenized rows, each with the target that it is to give."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from multitap_adapters.packing import PackedRows, pack_rows


@dataclass(frozen=True, slots=True, eq=False)
class LabelledRows:
    """Token and type ids of each row, its target, and how many rows were cut to their length.

    What a target is, its objective knows: the index of a label, a value, or one value per label.
    """

    token_ids: Sequence[Sequence[int]]
    type_ids: Sequence[Sequence[int]]
    targets: Sequence[Tensor]
    truncated: int = 0

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.token_ids)

    @property
    def lengths(self) -> list[int]:
        """The number of tokens of every row."""
        return [len(row) for row in self.token_ids]

    def packed(self, rows: Sequence[int]) -> PackedRows:
        """Return some rows as one batch."""
        return pack_rows(
            [self.token_ids[row] for row in rows], [self.type_ids[row] for row in rows]
        )

    def targets_of(self, rows: Sequence[int]) -> list[Tensor]:
        """Return some rows' targets."""
        return [self.targets[row] for row in rows]
