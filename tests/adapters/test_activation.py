"""The non-linearities against their definitions."""

import math
from collections.abc import Callable, Mapping
from typing import get_args

import pytest
import torch
from torch.testing import assert_close

from multitap_adapters.activation import ACTIVATIONS
from multitap_adapters.spec import Activation

_POINTS = (-8.0, -3.0, -1.0, -0.25, 0.0, 0.25, 1.0, 3.0, 8.0)
_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def _gelu_tanh(x: float) -> float:
    return x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


_DEFINITIONS: Mapping[Activation, Callable[[float], float]] = {
    "none": lambda x: x,
    "relu": lambda x: max(x, 0.0),
    "gelu": lambda x: x / 2 * (1 + math.erf(x / math.sqrt(2))),
    "gelu_tanh": _gelu_tanh,
    "tanh": math.tanh,
    "silu": lambda x: x * _sigmoid(x),
    "sigmoid": _sigmoid,
    "leaky_relu": lambda x: x if x > 0 else x / 100,
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "selu": lambda x: _SELU_SCALE * (x if x > 0 else _SELU_ALPHA * math.expm1(x)),
    "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
}


def test_every_activation_of_the_specification_can_be_run() -> None:
    assert set(ACTIVATIONS) == set(get_args(Activation)) == set(_DEFINITIONS)


@pytest.mark.parametrize("name", get_args(Activation))
def test_an_activation_follows_its_definition(name: Activation) -> None:
    expected = torch.tensor([_DEFINITIONS[name](x) for x in _POINTS])

    assert_close(ACTIVATIONS[name](torch.tensor(_POINTS)), expected, rtol=1e-6, atol=1e-6)
