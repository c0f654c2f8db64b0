"""Linear layers: `activation(x W^T + b)`, packed once where the weight never changes.

Shape suffixes: T tokens, I inputs, O outputs. The products have no gradient of their own, so
gradients come from the two autograd functions below.
"""

from typing import Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import Function, FunctionCtx, once_differentiable

from .activation import ACTIVATIONS
from .buckets import recurs
from .file_matrix import FileLinear, FileMatrix
from .products import Products, TorchProducts, products_for
from .spec import Activation


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


class FrozenLinear:
    """A layer whose weight never changes: packed once, without a gradient."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor, products: Products | None = None) -> None:
        """Pack the weight; `products` are the device's fastest unless given."""
        self._products = products or products_for(weight_OI.device)
        self._packed = self._products.pack(weight_OI)
        self._bias_O = bias_O.contiguous()

    def __call__(self, x_TI: Tensor, activation: Activation = "none") -> Tensor:
        """Return `[T, O]`; refuses an input that asks for a gradient, since none would pass."""
        if torch.is_grad_enabled() and x_TI.requires_grad:
            raise RuntimeError("a frozen layer passes no gradient; build with GradientLinear")
        return self._products.compute(x_TI, self._packed, self._bias_O, activation)


class GradientLinear:
    """A frozen layer through which gradients flow to its input: packed W and packed W^T."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor, products: Products | None = None) -> None:
        """Pack the weight twice; `products` are the device's fastest unless given."""
        self.products = products or products_for(weight_OI.device)
        self.packed = self.products.pack(weight_OI)
        self.packed_transposed = self.products.pack(weight_OI.t().contiguous())
        self.bias_O = bias_O.contiguous()

    def __call__(self, x_TI: Tensor, activation: Activation = "none") -> Tensor:
        """Return `[T, O]`."""
        if torch.is_grad_enabled() and x_TI.requires_grad:
            return ACTIVATIONS[activation](_apply(_FrozenProduct, x_TI, self))
        return self.products.compute(x_TI, self.packed, self.bias_O, activation)


class TrainableLinear:
    """A layer with a weight of its own, which may be trained: an adapter's, or a head's.

    It goes to oneDNN for sizes that recur (buckets.py); for others a kernel would be compiled.
    Where torch's own product is the fastest, torch differentiates it too.
    """

    def __init__(
        self, weight_OI: Tensor, bias_O: Tensor | None, products: Products | None = None
    ) -> None:
        """Keep the weight unpacked; `products` are the device's fastest unless given."""
        self._products = products or products_for(weight_OI.device)
        self._weight_OI = weight_OI
        self._bias_O = bias_O

    def __call__(self, x_TI: Tensor, activation: Activation = "none") -> Tensor:
        """Return `[T, O]`, with gradients for the input, the weight and the bias that ask."""
        if isinstance(self._products, TorchProducts) or not recurs(x_TI.shape[0]):
            return ACTIVATIONS[activation](F.linear(x_TI, self._weight_OI, self._bias_O))
        operands = (x_TI, self._weight_OI, self._bias_O)
        if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in operands):
            return ACTIVATIONS[activation](_apply(_TrainableProduct, *operands, self._products))
        return self._products.compute(x_TI, self._weight_OI, self._bias_O, activation)


def adapter_linear(weight_OI: Tensor, bias_O: Tensor | None) -> Linear:
    """Return an adapter's layer: trainable, unless its weight is in its file still."""
    if isinstance(weight_OI, FileMatrix):
        return FileLinear(weight_OI, bias_O)
    return TrainableLinear(weight_OI, bias_O)


class _FrozenContext(FunctionCtx):
    layer: GradientLinear


class _FrozenProduct(Function):
    """`y = x W^T + b`, `dx = dy W`; W and b take no gradient."""

    @staticmethod
    def forward(ctx: _FrozenContext, x_TI: Tensor, layer: GradientLinear) -> Tensor:
        ctx.layer = layer
        return layer.products.compute(x_TI, layer.packed, layer.bias_O, "none")

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] (the decorator's typing)
        ctx: _FrozenContext, *gradients: Tensor
    ) -> tuple[Tensor, None]:
        gradient_TO = gradients[0].contiguous()
        layer = ctx.layer
        return layer.products.compute(gradient_TO, layer.packed_transposed, None, "none"), None


class _TrainableContext(FunctionCtx):
    products: Products
    saved_tensors: tuple[Tensor, Tensor]
    needs_input_grad: tuple[bool, bool, bool, bool]


class _TrainableProduct(Function):
    """`y = x W^T + b`, with `dx = dy W`, `dW = dy^T x`, `db = sum(dy)`."""

    @staticmethod
    def forward(
        ctx: _TrainableContext,
        x_TI: Tensor,
        weight_OI: Tensor,
        bias_O: Tensor | None,
        products: Products,
    ) -> Tensor:
        ctx.save_for_backward(x_TI, weight_OI)
        ctx.products = products
        return products.compute(x_TI, weight_OI, bias_O, "none")

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] (the decorator's typing)
        ctx: _TrainableContext, *gradients: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        gradient_TO = gradients[0].contiguous()
        x_TI, weight_OI = ctx.saved_tensors
        needs_x, needs_weight, needs_bias, _ = ctx.needs_input_grad
        dx_TI = dweight_OI = dbias_O = None
        if needs_x:
            dx_TI = ctx.products.compute(gradient_TO, weight_OI.t().contiguous(), None, "none")
        if needs_weight:
            dweight_OI = ctx.products.compute(
                gradient_TO.t().contiguous(), x_TI.t().contiguous(), None, "none"
            )
        if needs_bias:
            dbias_O = gradient_TO.sum(0)
        return dx_TI, dweight_OI, dbias_O, None


def _apply(function: type[Function], *inputs: object) -> Tensor:
    """Call an autograd function; torch leaves `apply` without types."""
    output: object = function.apply(*inputs)  # type: ignore[no-untyped-call]  # pyright: ignore[reportUnknownMemberType]
    return cast("Tensor", output)
