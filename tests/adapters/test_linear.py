"""Linear layers against `F.linear` and its gradients, on oneDNN and on torch's own product."""

from collections.abc import Callable, Sequence
from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close

from multitap_adapters.activation import ACTIVATIONS
from multitap_adapters.linear import FrozenLinear, GradientLinear, Linear, TrainableLinear
from multitap_adapters.products import (
    OneDnnProducts,
    Products,
    TorchProducts,
    onednn_available,
    onednn_is_faster,
    products_for,
)
from multitap_adapters.spec import Activation

_INPUTS, _OUTPUTS = 48, 80
# Sizes that recur (buckets.py), sizes that do not, none and one.
_TOKENS = (0, 1, 4, 5, 16, 17, 128, 129, 640, 1_488)

Kind = Callable[[Tensor, Tensor, Products | None], Linear]


def _all_products() -> list[Products]:
    return [OneDnnProducts(), TorchProducts()] if onednn_available() else [TorchProducts()]


every_kind = pytest.mark.parametrize("kind", [FrozenLinear, GradientLinear, TrainableLinear])
differentiable = pytest.mark.parametrize("kind", [GradientLinear, TrainableLinear])
every_product = pytest.mark.parametrize(
    "products", _all_products(), ids=lambda products: type(products).__name__
)
every_activation = pytest.mark.parametrize("activation", get_args(Activation))


def _random(*shape: int, seed: int = 0, deviation: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.normal(0.0, deviation, shape, generator=generator)


def _weight_and_bias() -> tuple[Tensor, Tensor]:
    return _random(_OUTPUTS, _INPUTS, seed=1, deviation=0.2), _random(_OUTPUTS, seed=2)


def _gradients(y_TO: Tensor, leaves: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the gradients of a function whose own gradient differs in every element."""
    return torch.autograd.grad((y_TO * _random(*y_TO.shape, seed=9)).sum(), list(leaves))


@every_kind
@every_product
@every_activation
def test_a_layer_equals_f_linear_and_its_activation(
    kind: Kind, products: Products, activation: Activation
) -> None:
    weight_OI, bias_O = _weight_and_bias()
    x_TI = _random(24, _INPUTS)

    expected = ACTIVATIONS[activation](F.linear(x_TI, weight_OI, bias_O))

    y_TO = kind(weight_OI, bias_O, products)(x_TI, activation)
    assert_close(y_TO, expected, rtol=1e-5, atol=1e-5)


@every_kind
@every_product
@pytest.mark.parametrize("tokens", _TOKENS)
def test_one_packed_weight_serves_every_number_of_tokens(
    kind: Kind, products: Products, tokens: int
) -> None:
    weight_OI, bias_O = _weight_and_bias()
    x_TI = _random(tokens, _INPUTS)

    y_TO = kind(weight_OI, bias_O, products)(x_TI)

    assert_close(y_TO, F.linear(x_TI, weight_OI, bias_O), rtol=1e-5, atol=1e-5)


@every_kind
@every_product
def test_inputs_and_weights_need_not_be_contiguous(kind: Kind, products: Products) -> None:
    weight_OI, bias_O = _random(_INPUTS, _OUTPUTS).t(), _random(_OUTPUTS, 2)[:, 0]
    x_TI = _random(_INPUTS, 32, seed=3).t()[::2]

    y_TO = kind(weight_OI, bias_O, products)(x_TI, "gelu")

    assert_close(y_TO, F.gelu(F.linear(x_TI, weight_OI, bias_O)), rtol=1e-5, atol=1e-5)


@every_kind
def test_a_layer_leaves_its_input_as_it_is(kind: Kind) -> None:
    x_TI = _random(16, _INPUTS)
    before_TI = x_TI.clone()

    kind(*_weight_and_bias(), None)(x_TI, "relu")

    assert torch.equal(x_TI, before_TI)


@every_product
def test_a_frozen_layer_refuses_an_input_that_asks_for_a_gradient(products: Products) -> None:
    layer = FrozenLinear(*_weight_and_bias(), products)

    with pytest.raises(RuntimeError, match="passes no gradient"):
        layer(_random(4, _INPUTS).requires_grad_())


def test_a_frozen_layer_takes_such_an_input_where_gradients_are_off() -> None:
    x_TI = _random(4, _INPUTS).requires_grad_()

    with torch.no_grad():
        assert not FrozenLinear(*_weight_and_bias())(x_TI).requires_grad


@differentiable
@every_product
@every_activation
@pytest.mark.parametrize("tokens", [16, 17])
def test_the_input_s_gradient_equals_f_linear_s(
    kind: Kind, products: Products, activation: Activation, tokens: int
) -> None:
    weight_OI, bias_O = _weight_and_bias()
    x_TI = _random(tokens, _INPUTS).requires_grad_()
    reference_TO = ACTIVATIONS[activation](F.linear(x_TI, weight_OI, bias_O))

    y_TO = kind(weight_OI, bias_O, products)(x_TI, activation)

    (gradient_TI,), (expected_TI,) = _gradients(y_TO, [x_TI]), _gradients(reference_TO, [x_TI])
    assert_close(gradient_TI, expected_TI, rtol=1e-5, atol=1e-5)


@every_product
@pytest.mark.parametrize("tokens", _TOKENS)
def test_a_trainable_layer_s_gradients_equal_f_linear_s(products: Products, tokens: int) -> None:
    leaves = [t.requires_grad_() for t in (_random(tokens, _INPUTS), *_weight_and_bias())]
    x_TI, weight_OI, bias_O = leaves

    gradients = _gradients(TrainableLinear(weight_OI, bias_O, products)(x_TI), leaves)

    expected = _gradients(F.linear(x_TI, weight_OI, bias_O), leaves)
    assert_close(gradients, expected, rtol=1e-5, atol=1e-4)


@every_product
@pytest.mark.parametrize("asking", [0, 1, 2])
def test_each_operand_of_a_trainable_layer_gets_a_gradient_by_itself(
    products: Products, asking: int
) -> None:
    operands = [_random(16, _INPUTS), *_weight_and_bias()]
    leaf = operands[asking].requires_grad_()
    x_TI, weight_OI, bias_O = operands

    (gradient,) = _gradients(TrainableLinear(weight_OI, bias_O, products)(x_TI), [leaf])

    (expected,) = _gradients(F.linear(x_TI, weight_OI, bias_O), [leaf])
    assert_close(gradient, expected, rtol=1e-5, atol=1e-5)


@every_product
def test_a_trainable_layer_may_lack_a_bias(products: Products) -> None:
    weight_OI = _random(_OUTPUTS, _INPUTS).requires_grad_()
    x_TI = _random(16, _INPUTS)

    y_TO = TrainableLinear(weight_OI, None, products)(x_TI)

    assert_close(y_TO, F.linear(x_TI, weight_OI), rtol=1e-5, atol=1e-4)
    assert_close(
        _gradients(y_TO, [weight_OI]),
        _gradients(F.linear(x_TI, weight_OI), [weight_OI]),
        rtol=1e-5,
        atol=1e-4,
    )


@differentiable
@every_product
def test_gradients_equal_finite_differences(kind: Kind, products: Products) -> None:
    weight_OI, bias_O = _random(6, 8, seed=1), _random(6, seed=2)
    x_TI = _random(4, 8).requires_grad_()
    layer = kind(weight_OI, bias_O, products)
    step = 1e-2

    (gradient_TI,) = torch.autograd.grad(layer(x_TI, "tanh").sum(), [x_TI])

    with torch.no_grad():
        for place in range(x_TI.numel()):
            nudge_TI = torch.zeros(x_TI.numel())
            nudge_TI[place] = step
            nudge_TI = nudge_TI.view_as(x_TI)
            rise = layer(x_TI + nudge_TI, "tanh").sum() - layer(x_TI - nudge_TI, "tanh").sum()
            assert_close(gradient_TI.flatten()[place], rise / (2 * step), rtol=1e-2, atol=1e-3)


@differentiable
@pytest.mark.skipif(not onednn_available(), reason="torch differentiates its own product itself")
def test_a_second_derivative_is_refused_and_not_silently_zero(kind: Kind) -> None:
    x_TI = _random(4, _INPUTS).requires_grad_()
    y = kind(*_weight_and_bias(), OneDnnProducts())(x_TI).square().sum()

    (gradient_TI,) = torch.autograd.grad(y, [x_TI], create_graph=True)

    with pytest.raises(RuntimeError, match="differentiate twice"):
        torch.autograd.backward(gradient_TI.sum())


@differentiable
def test_a_gradient_may_be_expanded_from_one_value(kind: Kind) -> None:
    weight_OI, bias_O = _weight_and_bias()
    x_TI = _random(16, _INPUTS).requires_grad_()

    (gradient_TI,) = torch.autograd.grad(kind(weight_OI, bias_O, None)(x_TI).sum(), [x_TI])

    assert_close(gradient_TI, weight_OI.sum(0).expand(16, -1), rtol=1e-5, atol=1e-5)


def test_other_devices_than_the_cpu_get_torch_s_product() -> None:
    assert isinstance(products_for(torch.device("meta")), TorchProducts)


@pytest.mark.parametrize(
    ("capability", "faster"), [("AVX512", True), ("AVX2", False), ("DEFAULT", False)]
)
def test_onednn_s_product_is_for_processors_with_avx_512(capability: str, *, faster: bool) -> None:
    assert onednn_is_faster(capability) is faster


def test_the_cpu_gets_onednn_s_product_where_it_computes_and_is_faster() -> None:
    onednn = onednn_available() and onednn_is_faster(torch.backends.cpu.get_cpu_capability())

    assert isinstance(
        products_for(torch.device("cpu")), OneDnnProducts if onednn else TorchProducts
    )
