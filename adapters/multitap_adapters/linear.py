"""Linear layers: `activation(x W^T + b)`, packed once where the weight never changes.

Shape suffixes: T tokens, I inputs, O outputs. On a CPU the product goes to oneDNN, which is about
twice as fast as torch's own `F.linear` on some processors. Its operators are private and have no
gradient (they silently pass none), so their presence is checked, `F.linear` is the fallback, and
gradients come from the two autograd functions below.
"""

from functools import cache
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx

from .activation import ACTIVATIONS
from .buckets import recurs
from .spec import Activation

# oneDNN's names for what it can fuse behind a product: (operation, algorithm).
_FUSED: dict[Activation, tuple[str, str]] = {
    "none": ("none", ""),
    "relu": ("relu", ""),
    "tanh": ("tanh", ""),
    "gelu": ("gelu", "none"),
    "gelu_tanh": ("gelu", "tanh"),
}
# The packed layout suits any number of tokens; this one was as fast from 16 to 1,500 as their own.
_PACKING_HINT_TOKENS = 512


class Linear(Protocol):
    """A linear layer with its activation."""

    def __call__(self, x_TI: Tensor, activation: Activation = "none") -> Tensor:
        """Return `[T, O]`."""
        ...


class LinearFactory(Protocol):
    """Makes a layer of a weight `[O, I]` and a bias `[O]`."""

    def __call__(self, weight_OI: Tensor, bias_O: Tensor) -> Linear:
        """Return the layer."""
        ...


@cache
def onednn_available() -> bool:
    """Whether this torch has oneDNN's private product operators, and they compute."""
    try:
        weight = torch.ops.mkldnn._reorder_linear_weight(torch.eye(16), 1)
        product = torch.ops.mkldnn._linear_pointwise(
            torch.ones(1, 16), weight, None, "none", [], ""
        )
    except (AttributeError, RuntimeError):
        return False
    return bool(torch.equal(product, torch.ones(1, 16)))


def product(
    x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None, activation: Activation = "none"
) -> Tensor:
    """Return `activation(x W^T + b)` without a gradient; the weight may be packed for oneDNN."""
    if x_TI.device.type == "cpu" and onednn_available():
        operation, algorithm = _FUSED.get(activation, _FUSED["none"])
        y_TO: Tensor = torch.ops.mkldnn._linear_pointwise(
            x_TI, weight_OI, bias_O, operation, [], algorithm
        )
        return y_TO if activation in _FUSED else ACTIVATIONS[activation](y_TO)
    return ACTIVATIONS[activation](F.linear(x_TI, weight_OI, bias_O))


def pack(weight_OI: Tensor) -> Tensor:
    """Return the weight in oneDNN's own layout, or as it is where there is no oneDNN."""
    if weight_OI.device.type == "cpu" and onednn_available():
        packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(
            weight_OI.contiguous(), _PACKING_HINT_TOKENS
        )
        return packed
    return weight_OI


class FrozenLinear:
    """A layer whose weight never changes: packed once, without a gradient."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor) -> None:
        self._packed = pack(weight_OI)
        self._bias_O = bias_O.contiguous()

    def __call__(self, x_TI: Tensor, activation: Activation = "none") -> Tensor:
        """Return `[T, O]`; refuses an input that asks for a gradient, since none would pass."""
        if torch.is_grad_enabled() and x_TI.requires_grad:
            raise RuntimeError(
                "this encoder was built for inference; gradients need gradient_linear"
            )
        return product(x_TI, self._packed, self._bias_O, activation)


class GradientLinear:
    """A frozen layer through which gradients flow to its input: packed W and packed W^T."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor) -> None:
        self.packed = pack(weight_OI)
        self.packed_transposed = pack(weight_OI.t().contiguous())
        self.bias_O = bias_O.contiguous()

    def __call__(self, x_TI: Tensor, activation: Activation = "none") -> Tensor:
        """Return `[T, O]`."""
        if torch.is_grad_enabled() and x_TI.requires_grad:
            y_TO: Tensor = _FrozenProduct.apply(x_TI, self)
            return ACTIVATIONS[activation](y_TO)
        return product(x_TI, self.packed, self.bias_O, activation)


class TrainableLinear:
    """A layer with a weight of its own, which may be trained: an adapter's, or a head's.

    It goes to oneDNN for sizes that recur (buckets.py); for others a kernel would be compiled.
    """

    def __init__(self, weight_OI: Tensor, bias_O: Tensor | None) -> None:
        self.weight_OI = weight_OI
        self.bias_O = bias_O

    def __call__(self, x_TI: Tensor, activation: Activation = "none") -> Tensor:
        """Return `[T, O]`."""
        if not recurs(x_TI.shape[0]):
            return ACTIVATIONS[activation](F.linear(x_TI, self.weight_OI, self.bias_O))
        if torch.is_grad_enabled() and (x_TI.requires_grad or self.weight_OI.requires_grad):
            y_TO: Tensor = _TrainableProduct.apply(x_TI, self.weight_OI, self.bias_O)
            return ACTIVATIONS[activation](y_TO)
        return product(x_TI, self.weight_OI, self.bias_O, activation)


class _FrozenProduct(torch.autograd.Function):
    """`y = x W^T + b`, `dx = dy W`; W and b take no gradient."""

    @staticmethod
    def forward(ctx: Any, x_TI: Tensor, layer: GradientLinear) -> Tensor:  # noqa: ANN401  torch's own
        ctx.layer = layer
        return product(x_TI, layer.packed, layer.bias_O)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401  torch's own
        (gradient_TO,) = gradients
        return product(gradient_TO.contiguous(), ctx.layer.packed_transposed, None), None


class _TrainableProduct(torch.autograd.Function):
    """`y = x W^T + b`, with `dx = dy W`, `dW = dy^T x`, `db = sum(dy)`."""

    @staticmethod
    def forward(ctx: FunctionCtx, x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
        ctx.save_for_backward(x_TI, weight_OI)
        return product(x_TI, weight_OI, bias_O)

    @staticmethod
    def backward(
        ctx: Any,  # noqa: ANN401  torch's own
        *gradients: Tensor,
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        gradient_TO = gradients[0].contiguous()
        x_TI, weight_OI = ctx.saved_tensors
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        return (
            product(gradient_TO, weight_OI.t().contiguous(), None) if needs_x else None,
            product(gradient_TO.t().contiguous(), x_TI.t().contiguous(), None)
            if needs_weight
            else None,
            gradient_TO.sum(0) if needs_bias else None,
        )
