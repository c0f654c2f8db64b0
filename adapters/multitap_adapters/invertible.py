"""NICE coupling behind the embeddings: Dinh et al. 2015, section 3, as MAD-X uses it.

Shape suffixes: T tokens, E embedding, F half of it. The order of steps is that of the `adapters`
library 1.3.0, `methods/modeling.py`, class NICECouplingBlock: `y1 = x1 + F(x2)`, `y2 = x2 + G(y1)`.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from .linear import adapter_linear
from .spec import Activation, Invertible


class InvertibleEmbedding:
    """The coupling of one task."""

    def __init__(self, module: Invertible, tensors: Mapping[str, Tensor]) -> None:
        """Build from the tensors `f.down.weight` to `g.up.bias`."""
        self._f = _Function("f", tensors, module.activation)
        self._g = _Function("g", tensors, module.activation)

    def __call__(self, x_TE: Tensor) -> Tensor:
        """Return `[T, E]`."""
        x1_TF, x2_TF = x_TE.chunk(2, dim=1)
        y1_TF = x1_TF + self._f(x2_TF.contiguous())
        return torch.cat([y1_TF, x2_TF + self._g(y1_TF)], dim=1)


class _Function:
    """`up(activation(down(z)))`."""

    def __init__(self, name: str, tensors: Mapping[str, Tensor], activation: Activation) -> None:
        self._down = adapter_linear(tensors[f"{name}.down.weight"], tensors[f"{name}.down.bias"])
        self._up = adapter_linear(tensors[f"{name}.up.weight"], tensors[f"{name}.up.bias"])
        self._activation: Activation = activation

    def __call__(self, z_TF: Tensor) -> Tensor:
        return self._up(self._down(z_TF, self._activation))
