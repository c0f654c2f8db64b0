"""The product `activation(x W^T + b)` of a linear layer, without a gradient.

Shape suffixes: T tokens, I inputs, O outputs. On a CPU with AVX-512 the product goes to oneDNN,
which is about twice as fast there as torch's own `F.linear` on some processors and takes a weight
that was packed once. Its operators have no public name and no gradient (they silently pass none),
so they are tried before they are used, and `F.linear` stands in where they are missing. With AVX2
alone `F.linear` is the faster one (ADR 3).
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from .activation import ACTIVATIONS
from .spec import Activation

# oneDNN's names for what it can fuse behind a product: (operation, algorithm).
_FUSED: Mapping[Activation, tuple[str, str]] = MappingProxyType(
    {
        "none": ("none", ""),
        "relu": ("relu", ""),
        "tanh": ("tanh", ""),
        "gelu": ("gelu", "none"),
        "gelu_tanh": ("gelu", "tanh"),
    }
)
# The packed layout suits any number of tokens; this one was as fast from 16 to 1,500 as their own.
_PACKING_HINT_TOKENS = 512


class Products(Protocol):
    """One way to compute products."""

    def pack(self, weight_OI: Tensor) -> Tensor:
        """Return a constant weight in the layout that `compute` is fastest with."""
        ...

    def compute(
        self, x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None, activation: Activation
    ) -> Tensor:
        """Return `activation(x W^T + b)`, `[T, O]`; the weight may be packed."""
        ...


class TorchProducts:
    """torch's own product, on any device."""

    def pack(self, weight_OI: Tensor) -> Tensor:
        """Return the weight as it is."""
        return weight_OI

    def compute(
        self, x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None, activation: Activation
    ) -> Tensor:
        """Return `activation(x W^T + b)`, `[T, O]`."""
        return ACTIVATIONS[activation](F.linear(x_TI, weight_OI, bias_O))


class OneDnnProducts:
    """oneDNN's product on a CPU, with the common activations fused."""

    def pack(self, weight_OI: Tensor) -> Tensor:
        """Return the weight in oneDNN's own layout, which only `compute` understands."""
        packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(
            weight_OI.contiguous(), _PACKING_HINT_TOKENS
        )
        return packed

    def compute(
        self, x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None, activation: Activation
    ) -> Tensor:
        """Return `activation(x W^T + b)`, `[T, O]`."""
        if bias_O is not None:
            bias_O = bias_O.contiguous()  # the operator would misread another layout
        operation, algorithm = _FUSED.get(activation, _FUSED["none"])
        y_TO: Tensor = torch.ops.mkldnn._linear_pointwise(
            x_TI, weight_OI, bias_O, operation, [], algorithm
        )
        return y_TO if activation in _FUSED else ACTIVATIONS[activation](y_TO)


def onednn_is_faster(capability: str) -> bool:
    """Return whether oneDNN's product is the faster one with these instructions of the CPU.

    `capability` is torch's word for them. A timing at the start would decide otherwise from start
    to start, and with that change the bits of a trained adapter.
    """
    return capability.startswith("AVX512")


@cache
def onednn_available() -> bool:
    """Return whether this torch has oneDNN's private operators, and they compute."""
    try:
        weight = torch.ops.mkldnn._reorder_linear_weight(torch.eye(16), 1)
        y = torch.ops.mkldnn._linear_pointwise(torch.ones(1, 16), weight, None, "none", [], "")
    except (AttributeError, RuntimeError):
        return False
    return bool(torch.equal(y, torch.ones(1, 16)))


def products_for(device: torch.device) -> Products:
    """Return the fastest way for weights on this device."""
    capability = torch.backends.cpu.get_cpu_capability()
    onednn = device.type == "cpu" and onednn_is_faster(capability) and onednn_available()
    return OneDnnProducts() if onednn else TorchProducts()
