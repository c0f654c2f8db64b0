"""Matrices that stay in their adapter file: they have a shape, and are read a few rows at a time.

For a run or two through an adapter that would take too much memory as a whole. Shape suffixes: T
tokens, I inputs, O outputs.
"""

from collections.abc import Callable
from typing import Final, Self, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from .activation import ACTIVATIONS
from .file import FileTensors
from .spec import Activation

Rows: TypeAlias = Callable[[int, int], Tensor]

_BLOCK_VALUES: Final = 1 << 18


class FileMatrix(Tensor):
    """A matrix without values (on torch's `meta` device), and where to read its rows."""

    read_rows: Rows

    @classmethod
    def of(cls, tensors: FileTensors, name: str) -> Self:
        """Return a file's matrix; its rows are read as float32."""

        def read_rows(first: int, end: int) -> Tensor:
            return torch.as_tensor(tensors.rows(name, first, end).to_numpy())

        matrix = torch.empty(tensors.shape(name), device="meta").as_subclass(cls)
        matrix.read_rows = read_rows
        return matrix


class FileLinear:
    """A linear layer whose weight is read anew whenever it is used, a block of rows at a time."""

    def __init__(self, weight_OI: FileMatrix, bias_O: Tensor | None) -> None:
        """Read nothing yet."""
        self._read_rows: Final = weight_OI.read_rows
        self._outputs, inputs = weight_OI.shape
        self._block: Final = max(1, _BLOCK_VALUES // max(inputs, 1))
        self._bias_O: Final = bias_O

    def __call__(self, x_TI: Tensor, activation: Activation = "none") -> Tensor:
        """Return `[T, O]`, without a gradient; raises what reading the file raises."""
        y_TO = x_TI.new_empty(x_TI.shape[0], self._outputs)
        for first in range(0, self._outputs, self._block):
            end = min(first + self._block, self._outputs)
            bias_O = None if self._bias_O is None else self._bias_O[first:end]
            y_TO[:, first:end] = F.linear(x_TI, self._read_rows(first, end), bias_O)
        return ACTIVATIONS[activation](y_TO)
