"""Which row of a backbone's table of positions each token gets.

Shape suffixes: T tokens of all rows and the filler behind them.
"""

import torch
from torch import Tensor

from .packing import PackedRows


def position_ids(rows: PackedRows, padding_id: int | None) -> Tensor:
    """Return `[T]`: places from 0, or counted as RoBERTa does where a padding id is given.

    There a token that is not the padding token has the position `padding_id + n`, n counting such
    tokens of its row from 1. A padding token, which a text can spell out, has the position
    `padding_id` and is not counted (`create_position_ids_from_input_ids` in `transformers`).
    """
    if padding_id is None:
        return rows.places_T
    counts_T = (rows.token_ids_T != padding_id).long()
    counted_T = counts_T.cumsum(0)
    row_starts_T = torch.arange(len(counts_T)) - rows.places_T
    counted_before_row_T = (counted_T - counts_T)[row_starts_T]
    return padding_id + (counted_T - counted_before_row_T) * counts_T
