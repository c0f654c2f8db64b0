"""The non-linearities that a specification may name, as torch functions."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from .spec import Activation


def _gelu_tanh(x: Tensor) -> Tensor:
    return F.gelu(x, approximate="tanh")


def _identity(x: Tensor) -> Tensor:
    return x


ACTIVATIONS: Mapping[Activation, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "none": _identity,
        "relu": torch.relu,
        "gelu": F.gelu,
        "gelu_tanh": _gelu_tanh,
        "tanh": torch.tanh,
        "silu": F.silu,
        "sigmoid": torch.sigmoid,
        "leaky_relu": F.leaky_relu,
        "relu6": F.relu6,
        "elu": F.elu,
        "selu": F.selu,
        "mish": F.mish,
    }
)
