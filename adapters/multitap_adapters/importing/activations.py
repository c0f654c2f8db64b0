"""The libraries' names of non-linearities.

`adapters` 1.3.0 takes those of `transformers` (ACT2FN) and its own `leakyrelu`, in any case.
"""

from collections.abc import Mapping
from types import MappingProxyType

from multitap_adapters.spec import Activation

from .errors import ExportRefused, FolderRefused

_NAMES: Mapping[str, Activation] = MappingProxyType(
    {
        "gelu": "gelu",
        "gelu_accurate": "gelu_tanh",
        "gelu_fast": "gelu_tanh",
        "gelu_new": "gelu_tanh",
        "gelu_python": "gelu",
        "gelu_pytorch_tanh": "gelu_tanh",
        "leaky_relu": "leaky_relu",
        "leakyrelu": "leaky_relu",
        "linear": "none",
        "mish": "mish",
        "relu": "relu",
        "relu6": "relu6",
        "sigmoid": "sigmoid",
        "silu": "silu",
        "swish": "silu",
        "tanh": "tanh",
    }
)
# Before configurations had a version, `gelu` was the approximation by tanh.
_OLD_NAMES: Mapping[str, str] = MappingProxyType({"gelu": "gelu_new", "gelu_orig": "gelu"})
_WRITTEN: Mapping[Activation, str] = MappingProxyType(
    {
        "gelu": "gelu",
        "gelu_tanh": "gelu_new",
        "leaky_relu": "leakyrelu",
        "mish": "mish",
        "none": "linear",
        "relu": "relu",
        "relu6": "relu6",
        "sigmoid": "sigmoid",
        "silu": "swish",
        "tanh": "tanh",
    }
)


def read_activation(name: str, *, old: bool = False) -> Activation:
    """Return an activation by the library's name; `old` for a configuration without a version."""
    known = name.lower()
    found = _NAMES.get(_OLD_NAMES.get(known, known) if old else known)
    if found is None:
        raise FolderRefused(f"non-linearity {name!r} is not supported")
    return found


def write_activation(activation: Activation) -> str:
    """Return the library's name of an activation. Raises: ExportRefused."""
    name = _WRITTEN.get(activation)
    if name is None:
        raise ExportRefused(f"the adapters library has no non-linearity {activation!r}")
    return name
