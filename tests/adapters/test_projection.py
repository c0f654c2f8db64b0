"""A linear layer where adapters may change a projection of it."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close

from multitap_adapters.activation import ACTIVATIONS
from multitap_adapters.encoder import BareTaps
from multitap_adapters.linear import FrozenLinear
from multitap_adapters.projection import ProjectionTap, TappedLinear
from multitap_adapters.spec import Activation, Projection

_INPUTS, _OUTPUTS, _TOKENS = 5, 4, 6


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.normal(0.0, 1.0, shape, generator=torch.Generator().manual_seed(seed))


class _CountingLinear:
    """A frozen layer that remembers what it was asked for."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor) -> None:
        self._linear = FrozenLinear(weight_OI, bias_O)
        self.asked: list[Activation] = []

    def __call__(self, x_TI: Tensor, activation: Activation = "none") -> Tensor:
        self.asked.append(activation)
        return self._linear(x_TI, activation)


class _Change:
    """Scales a projection's input, if asked to, and adds something to its output."""

    def __init__(self, scale: float | None = None) -> None:
        self._scale = scale

    def scale_input(self, x_TI: Tensor) -> Tensor:
        return x_TI if self._scale is None else x_TI * self._scale

    def adapt(self, x_TI: Tensor, y_TO: Tensor, bias_O: Tensor) -> None:
        y_TO += x_TI.sum(1, keepdim=True) - bias_O


class _Taps(BareTaps):
    def __init__(self, changes: dict[Projection, ProjectionTap]) -> None:
        self._changes = changes

    def projection(self, layer: int, projection: Projection) -> ProjectionTap | None:
        return self._changes.get(projection) if layer == 3 else None


def _expected(
    x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor, *, scale: float = 1.0, changed: bool = True
) -> Tensor:
    y_TO = F.linear(scale * x_TI, weight_OI, bias_O)
    return y_TO + x_TI.sum(1, keepdim=True) - bias_O if changed else y_TO


@pytest.mark.parametrize("activation", ["none", "gelu"])
def test_an_unchanged_layer_is_one_product_with_its_activation(activation: Activation) -> None:
    weight_OI, bias_O, x_TI = _random(_OUTPUTS, _INPUTS), _random(_OUTPUTS), _random(_TOKENS, 5)
    linear = _CountingLinear(weight_OI, bias_O)
    others = _Taps({"ffn_down": _Change()})

    y_TO = TappedLinear(linear, bias_O, 3, ["ffn_up"])(x_TI, others, activation)

    assert linear.asked == [activation]
    plain_TO = ACTIVATIONS[activation](F.linear(x_TI, weight_OI, bias_O))
    assert_close(y_TO, plain_TO, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("activation", ["none", "gelu", "silu"])
@pytest.mark.parametrize("scale", [None, 0.5])
def test_a_change_comes_before_the_activation(activation: Activation, scale: float | None) -> None:
    weight_OI, bias_O, x_TI = _random(_OUTPUTS, _INPUTS), _random(_OUTPUTS), _random(_TOKENS, 5)
    linear = _CountingLinear(weight_OI, bias_O)
    before_TI = x_TI.clone()

    y_TO = TappedLinear(linear, bias_O, 3, ["ffn_up"])(
        x_TI, _Taps({"ffn_up": _Change(scale)}), activation
    )

    plain_TO = _expected(x_TI, weight_OI, bias_O, scale=scale or 1.0)
    assert_close(y_TO, ACTIVATIONS[activation](plain_TO), rtol=1e-5, atol=1e-5)
    assert linear.asked == ["none"]
    assert torch.equal(x_TI, before_TI)


def test_projections_side_by_side_change_by_themselves() -> None:
    weight_OI, bias_O, x_TI = _random(12, _INPUTS), _random(12), _random(_TOKENS, _INPUTS)
    layer = TappedLinear(FrozenLinear(weight_OI, bias_O), bias_O, 3, ["query", "key", "value"])

    y_TO = layer(x_TI, _Taps({"query": _Change(), "value": _Change(2.0)}))

    weights, biases = weight_OI.chunk(3), bias_O.chunk(3)
    query_TO = _expected(x_TI, weights[0], biases[0])
    key_TO = _expected(x_TI, weights[1], biases[1], changed=False)
    value_TO = _expected(x_TI, weights[2], biases[2], scale=2.0)
    assert_close(y_TO, torch.cat([query_TO, key_TO, value_TO], 1), rtol=1e-5, atol=1e-5)


def test_every_projection_has_its_own_bias() -> None:
    bias_O = torch.arange(6.0)
    layer = TappedLinear(FrozenLinear(torch.ones(6, 2), bias_O), bias_O, 0, ["query", "key"])

    found = dict(layer.biases())

    assert list(found) == ["query", "key"]
    assert torch.equal(found["query"], torch.tensor([0.0, 1.0, 2.0]))
    assert torch.equal(found["key"], torch.tensor([3.0, 4.0, 5.0]))
