"""The bottleneck at one site against its formulas, computed token by token."""

from itertools import product
from typing import get_args

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from multitap_adapters.bottleneck import BottleneckSite
from multitap_adapters.encoder import Norm
from multitap_adapters.spec import Activation, Bottleneck
from plain_adapters import PlainNorm, plain_bottleneck

_HIDDEN, _TOKENS, _EPS = 16, 5, 1e-12


def _random(*shape: int, seed: int, mean: float = 0.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.normal(mean, 0.5, shape, generator=generator)


def _tensors(module: Bottleneck) -> dict[str, Tensor]:
    size = module.size_of(0)
    tensors = {
        "down.weight": _random(size, _HIDDEN, seed=1),
        "down.bias": _random(size, seed=2),
        "up.weight": _random(_HIDDEN, size, seed=3),
        "up.bias": _random(_HIDDEN, seed=4),
    }
    if module.scaling == "learned":
        tensors["scaling"] = _random(1, seed=5)
    if module.scaling == "channel":
        tensors["scaling"] = _random(_HIDDEN, seed=6)
    for index, name in enumerate(("norm_before", "norm_after")):
        if (module.new_norm_before, module.new_norm_after)[index]:
            tensors[f"{name}.weight"] = _random(_HIDDEN, seed=7 + index, mean=1.0)
            tensors[f"{name}.bias"] = _random(_HIDDEN, seed=9 + index)
    return tensors


def _check(module: Bottleneck) -> None:
    tensors = _tensors(module)
    x_TH, h_TH = _random(_TOKENS, _HIDDEN, seed=11), _random(_TOKENS, _HIDDEN, seed=12)
    weight_H, bias_H = _random(_HIDDEN, seed=13, mean=1.0), _random(_HIDDEN, seed=14)

    output_TH = BottleneckSite(module, tensors)(x_TH, h_TH, Norm(weight_H, bias_H, _EPS))

    norm = PlainNorm(weight_H, bias_H, _EPS)
    expected = [
        plain_bottleneck(module, tensors, x_TH[token], h_TH[token], norm)
        for token in range(_TOKENS)
    ]
    assert_close(output_TH, torch.stack(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("activation", get_args(Activation))
def test_houlsby_with_every_activation(activation: Activation) -> None:
    _check(Bottleneck(size=4, activation=activation))


def test_pfeiffer_is_given_the_normalised_sum() -> None:
    _check(Bottleneck(size=4, sites=("ffn",), activation="relu", norm_before=True))


@pytest.mark.parametrize("scaling", [1.0, 4.0, 0.0, -0.5, "learned", "channel"])
@pytest.mark.parametrize("arrangement", ["sequential", "parallel"])
def test_every_scaling(scaling: float | str, arrangement: str) -> None:
    module = Bottleneck.model_validate(
        {"method": "bottleneck", "size": 4, "scaling": scaling, "arrangement": arrangement}
    )

    _check(module)


@pytest.mark.parametrize(
    ("norm_before", "norm_after", "residual", "new_norm_before", "new_norm_after", "before"),
    [
        choice
        for choice in product(
            [False, True],
            [False, True],
            ["sub_layer", "sum", "input"],
            [False, True],
            [False, True],
            [False, True],
        )
        if choice[0] or choice[2] != "sum"
    ],
)
def test_every_order_of_norms_and_residuals(
    *,
    norm_before: bool,
    norm_after: bool,
    residual: str,
    new_norm_before: bool,
    new_norm_after: bool,
    before: bool,
) -> None:
    document = {
        "method": "bottleneck",
        "size": 4,
        "norm_before": norm_before,
        "norm_after": norm_after,
        "residual": residual,
        "new_norm_before": new_norm_before,
        "new_norm_after": new_norm_after,
        "residual_before_new_norm": before,
    }

    _check(Bottleneck.model_validate(document))


@pytest.mark.parametrize("new_norm_before", [False, True])
@pytest.mark.parametrize("new_norm_after", [False, True])
@pytest.mark.parametrize("norm_after", [False, True])
def test_parallel_with_its_own_norms(
    *, new_norm_before: bool, new_norm_after: bool, norm_after: bool
) -> None:
    module = Bottleneck(
        size=4,
        arrangement="parallel",
        norm_after=norm_after,
        new_norm_before=new_norm_before,
        new_norm_after=new_norm_after,
    )

    _check(module)


@pytest.mark.parametrize("size", [1, 3, 64])
def test_any_size(size: int) -> None:
    _check(Bottleneck(size=size))


def test_zero_weights_leave_the_sub_layer_as_it_is() -> None:
    module = Bottleneck(size=4)
    tensors = {name: torch.zeros_like(tensor) for name, tensor in _tensors(module).items()}
    x_TH, h_TH = _random(_TOKENS, _HIDDEN, seed=1), _random(_TOKENS, _HIDDEN, seed=2)
    norm = Norm(torch.ones(_HIDDEN), torch.zeros(_HIDDEN), _EPS)

    output_TH = BottleneckSite(module, tensors)(x_TH, h_TH, norm)

    assert torch.equal(output_TH, norm(x_TH + h_TH))


def test_every_tensor_of_a_site_gets_its_gradient() -> None:
    module = Bottleneck(size=4, scaling="channel", new_norm_before=True, new_norm_after=True)
    tensors = {name: tensor.requires_grad_() for name, tensor in _tensors(module).items()}
    weight_H, bias_H = _random(_HIDDEN, seed=13, mean=1.0), _random(_HIDDEN, seed=14)
    x_TH, h_TH = _random(4, _HIDDEN, seed=11), _random(4, _HIDDEN, seed=12)
    probe_TH = _random(4, _HIDDEN, seed=15)
    plain = [
        plain_bottleneck(module, tensors, x_TH[t], h_TH[t], PlainNorm(weight_H, bias_H, _EPS))
        for t in range(4)
    ]

    output_TH = BottleneckSite(module, tensors)(x_TH, h_TH, Norm(weight_H, bias_H, _EPS))

    leaves = list(tensors.values())
    gradients = torch.autograd.grad((output_TH * probe_TH).sum(), leaves)
    expected = torch.autograd.grad((torch.stack(plain) * probe_TH).sum(), leaves)
    assert_close(gradients, expected, rtol=1e-4, atol=1e-5)
