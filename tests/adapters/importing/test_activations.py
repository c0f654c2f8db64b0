"""Non-linearities by the libraries' names, against what `transformers` computes under them."""

from collections.abc import Callable, Mapping
from typing import cast

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from multitap_adapters.activation import ACTIVATIONS
from multitap_adapters.importing.activations import read_activation, write_activation
from multitap_adapters.importing.errors import ExportRefused, FolderRefused
from multitap_adapters.spec import Activation

NAMES = [
    "gelu",
    "gelu_accurate",
    "gelu_fast",
    "gelu_new",
    "gelu_python",
    "gelu_pytorch_tanh",
    "leaky_relu",
    "linear",
    "mish",
    "relu",
    "relu6",
    "sigmoid",
    "silu",
    "swish",
    "tanh",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_computes_what_transformers_computes_under_it(name: str) -> None:
    from transformers import activations  # noqa: PLC0415  (takes seconds)

    x = torch.linspace(-8, 8, 401)
    library = cast("Mapping[str, Callable[[Tensor], Tensor]]", activations.ACT2FN)

    assert_close(ACTIVATIONS[read_activation(name)](x), library[name](x), atol=1e-6, rtol=0)


def test_the_librarys_own_name_and_its_indifference_to_case() -> None:
    assert read_activation("LeakyReLU") == "leaky_relu"
    assert read_activation("Swish") == "silu"


def test_without_a_version_gelu_is_the_approximation() -> None:
    assert read_activation("gelu", old=True) == "gelu_tanh"
    assert read_activation("gelu_orig", old=True) == "gelu"
    assert read_activation("relu", old=True) == "relu"


@pytest.mark.parametrize("name", ["quick_gelu", "gelu_10", "prelu", ""])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(FolderRefused, match=f"non-linearity '{name}' is not supported"):
        read_activation(name)


@pytest.mark.parametrize(
    "activation", [each for each in ACTIVATIONS if each not in ("elu", "selu")]
)
def test_a_written_name_reads_back(activation: Activation) -> None:
    assert read_activation(write_activation(activation)) == activation


def test_what_the_library_does_not_have_is_not_written() -> None:
    with pytest.raises(ExportRefused, match="no non-linearity 'selu'"):
        write_activation("selu")
