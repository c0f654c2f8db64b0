"""Heads: hidden states of some rows in, their outputs out.

An embedding comes out as it is, also where the head says `normalize`: a caller may ask for either.

Shape suffixes: T tokens of all rows, H hidden, R rows, O outputs.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from .linear import adapter_linear
from .spec import Head


class HeadStack:
    """The linear layers over pooled rows, or over every token."""

    def __init__(self, head: Head, tensors: Mapping[str, Tensor]) -> None:
        """Build from the tensors `head.<i>.weight` and `head.<i>.bias`."""
        self.head = head
        self._layers = [
            (adapter_linear(tensors[f"head.{i}.weight"], tensors.get(f"head.{i}.bias")), layer)
            for i, layer in enumerate(head.layers)
        ]

    def __call__(self, hidden_TH: Tensor, lengths: Sequence[int]) -> Tensor:
        """Return `[R, O]`, or `[T, O]` for a head over tokens; rows are adjacent, in order."""
        x = self.pool(hidden_TH, lengths)
        for linear, layer in self._layers:
            x = linear(x, layer.activation)
        return x

    def pool(self, hidden_TH: Tensor, lengths: Sequence[int]) -> Tensor:
        """Return what the head looks at: the first tokens, the means, or every token."""
        if self.head.input == "tokens":
            return hidden_TH
        lengths_R = torch.tensor(lengths, device=hidden_TH.device)
        if self.head.input == "cls":
            return hidden_TH.index_select(0, lengths_R.cumsum(0) - lengths_R)
        row_T = torch.repeat_interleave(lengths_R)
        sums_RH = hidden_TH.new_zeros(len(lengths), hidden_TH.shape[1])
        sums_RH = sums_RH.index_add(0, row_T, hidden_TH)
        return sums_RH / lengths_R.unsqueeze(1)
