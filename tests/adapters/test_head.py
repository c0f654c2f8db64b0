"""Heads against their formula, row by row."""

from typing import Literal

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close

from multitap_adapters.head import HeadStack
from multitap_adapters.spec import Head, HeadLayer

_HIDDEN = 12
_LENGTHS = (3, 1, 5, 2)


def _hidden() -> Tensor:
    return torch.randn(sum(_LENGTHS), _HIDDEN, generator=torch.Generator().manual_seed(0))


def _tensors(head: Head) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    tensors: dict[str, Tensor] = {}
    inputs = _HIDDEN
    for index, layer in enumerate(head.layers):
        tensors[f"head.{index}.weight"] = torch.randn(layer.out, inputs, generator=generator)
        if layer.bias:
            tensors[f"head.{index}.bias"] = torch.randn(layer.out, generator=generator)
        inputs = layer.out
    return tensors


def _rows() -> tuple[Tensor, ...]:
    return torch.split(_hidden(), list(_LENGTHS))


def test_cls_takes_each_row_s_first_token() -> None:
    head = Head(kind="classification", labels=("a", "b"), input="cls", layers=(HeadLayer(out=2),))
    tensors = _tensors(head)

    logits_RO = HeadStack(head, tensors)(_hidden(), _LENGTHS)

    first_RH = torch.stack([row_TH[0] for row_TH in _rows()])
    expected_RO = first_RH @ tensors["head.0.weight"].t() + tensors["head.0.bias"]
    assert_close(logits_RO, expected_RO, rtol=1e-5, atol=1e-5)


def test_mean_takes_every_token_of_its_row() -> None:
    head = Head(kind="classification", labels=("a", "b"), input="mean", layers=(HeadLayer(out=2),))
    tensors = _tensors(head)

    logits_RO = HeadStack(head, tensors)(_hidden(), _LENGTHS)

    means_RH = torch.stack([row_TH.mean(0) for row_TH in _rows()])
    expected_RO = means_RH @ tensors["head.0.weight"].t() + tensors["head.0.bias"]
    assert_close(logits_RO, expected_RO, rtol=1e-5, atol=1e-5)


def test_tokens_gives_an_output_for_every_token() -> None:
    head = Head(kind="tagging", labels=("o", "b"), input="tokens", layers=(HeadLayer(out=2),))
    tensors = _tensors(head)

    logits_TO = HeadStack(head, tensors)(_hidden(), _LENGTHS)

    expected_TO = _hidden() @ tensors["head.0.weight"].t() + tensors["head.0.bias"]
    assert_close(logits_TO, expected_TO, rtol=1e-5, atol=1e-5)


def test_layers_follow_each_other_with_their_own_activation_and_bias() -> None:
    layers = (
        HeadLayer(out=7, activation="tanh"),
        HeadLayer(out=5, bias=False, activation="relu"),
        HeadLayer(out=3),
    )
    head = Head(kind="classification", labels=("a", "b", "c"), input="cls", layers=layers)
    tensors = _tensors(head)

    logits_RO = HeadStack(head, tensors)(_hidden(), _LENGTHS)

    x = torch.stack([row_TH[0] for row_TH in _rows()])
    x = torch.tanh(F.linear(x, tensors["head.0.weight"], tensors["head.0.bias"]))
    x = torch.relu(F.linear(x, tensors["head.1.weight"]))
    expected_RO = F.linear(x, tensors["head.2.weight"], tensors["head.2.bias"])
    assert_close(logits_RO, expected_RO, rtol=1e-5, atol=1e-5)


def test_an_embedding_comes_out_as_it_is_whatever_the_head_says_of_its_length() -> None:
    stack = HeadStack(Head(kind="embedding", input="mean", normalize=True), {})

    embedding_RH = stack(_hidden(), _LENGTHS)

    assert_close(embedding_RH, torch.stack([row_TH.mean(0) for row_TH in _rows()]))


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_a_row_s_output_does_not_depend_on_its_neighbours(pooling: Literal["cls", "mean"]) -> None:
    stack = HeadStack(Head(kind="embedding", input=pooling), {})

    together_RH = stack(_hidden(), _LENGTHS)

    alone = [stack(row_TH, [length]) for row_TH, length in zip(_rows(), _LENGTHS, strict=True)]
    assert_close(together_RH, torch.cat(alone), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("pooling", ["cls", "mean", "tokens"])
def test_hidden_states_get_a_gradient_through_every_pooling(
    pooling: Literal["cls", "mean", "tokens"],
) -> None:
    head = Head(
        kind="tagging" if pooling == "tokens" else "classification",
        labels=("a", "b"),
        input=pooling,
        layers=(HeadLayer(out=2),),
    )
    hidden_TH = _hidden().requires_grad_()

    (gradient_TH,) = torch.autograd.grad(
        HeadStack(head, _tensors(head))(hidden_TH, _LENGTHS).sum(), [hidden_TH]
    )

    reached = gradient_TH.abs().sum(1) > 0
    assert int(reached.sum()) == (len(_LENGTHS) if pooling == "cls" else sum(_LENGTHS))
