"""Attention over packed rows against a plain loop over rows and heads."""

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from multitap_adapters.attention import attend
from multitap_adapters.packing import pack_rows

_HEADS, _SIZE = 3, 8
_HIDDEN = _HEADS * _SIZE


def _plain(qkv_T3H: Tensor, lengths: list[int]) -> Tensor:
    """Return softmax(Q K^T / sqrt(D)) V, one row, head and token at a time."""
    contexts: list[Tensor] = []
    start = 0
    for length in lengths:
        query_LH, key_LH, value_LH = qkv_T3H[start : start + length].chunk(3, dim=1)
        for token in range(length):
            heads: list[Tensor] = []
            for head in range(_HEADS):
                at = slice(head * _SIZE, (head + 1) * _SIZE)
                scores_L = key_LH[:, at] @ query_LH[token, at] / math.sqrt(_SIZE)
                heads.append(torch.softmax(scores_L, 0) @ value_LH[:, at])
            contexts.append(torch.cat(heads))
        start += length
    return torch.stack(contexts)


@pytest.mark.parametrize(
    "lengths", [[1], [5], [1, 1, 1], [2, 2, 7], [7, 2, 1, 2], [3, 1, 4, 1, 5, 9, 2, 6]]
)
def test_every_row_attends_to_itself_alone(lengths: list[int]) -> None:
    ids = [[0] * length for length in lengths]
    rows = pack_rows(ids, ids)
    generator = torch.Generator().manual_seed(len(lengths))
    qkv_T3H = torch.randn(rows.tokens + rows.filler, 3 * _HIDDEN, generator=generator)

    context_TH = attend(qkv_T3H, rows, _HEADS)

    expected_TH = _plain(qkv_T3H[: rows.tokens], lengths)
    assert context_TH.shape == (rows.tokens + rows.filler, _HIDDEN)
    assert_close(context_TH[: rows.tokens], expected_TH, rtol=1e-5, atol=1e-5)
