"""Tokenized rows, each with the target that it is to give."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from torch import Tensor

from multitap_adapters.packing import PackedRows, pack_rows


@dataclass(frozen=True, slots=True, eq=False)
class LabelledRows:
    """Token and type ids of each row, its target, and how many rows were cut to their length.

    What a target is, its objective knows: the index of a label, a value, one value per label, or
    something for each token. Where an example has several rows, its windows, `examples` has the
    number of each row's example, in order.
    """

    token_ids: Sequence[Sequence[int]]
    type_ids: Sequence[Sequence[int]]
    targets: Sequence[Tensor]
    truncated: int = 0
    examples: Sequence[int] = ()

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

    def by_example(self, outputs: Sequence[Tensor]) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
        """Yield the outputs and the targets of each example's rows."""
        found = zip(self.examples, outputs, self.targets, strict=True)
        for _, rows in groupby(found, key=itemgetter(0)):
            windows = list(rows)
            yield [output for _, output, _ in windows], [target for _, _, target in windows]

    def targets_of(self, rows: Sequence[int]) -> list[Tensor]:
        """Return some rows' targets."""
        return [self.targets[row] for row in rows]
