"""Gradients through the packed encoder are those of plain linear layers."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close

from engine_parts import rows
from multitap_adapters.activation import ACTIVATIONS
from multitap_adapters.adapter import Adapter
from multitap_adapters.backbone import Backbone, read_backbone
from multitap_adapters.encoder import BareTaps, Norm
from multitap_adapters.linear import Linear
from multitap_adapters.packing import PackedRows, pack_rows
from multitap_adapters.spec import (
    Activation,
    AdapterSpec,
    Bottleneck,
    Ia3,
    Invertible,
    Lora,
    Site,
)
from multitap_training.initialisation import initial_tensors
from multitap_training.learner import AdapterLearner, Dropout, DropoutTaps
from random_adapters import houlsby, random_spec


class PlainLinear:
    """What torch differentiates by itself."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor) -> None:
        self._weight_OI = weight_OI
        self._bias_O = bias_O

    def __call__(self, x_TI: Tensor, activation: Activation = "none") -> Tensor:
        return ACTIVATIONS[activation](F.linear(x_TI, self._weight_OI, self._bias_O))


class _RecordingTaps(BareTaps):
    """Changes nothing, and remembers what the last merge was given."""

    merged: tuple[Tensor, Tensor]

    def embed(self, x_TH: Tensor, norm: Norm) -> Tensor:  # noqa: ARG002  (Taps)
        return x_TH

    def merge(self, layer: int, site: Site, x_TH: Tensor, h_TH: Tensor, norm: Norm) -> Tensor:  # noqa: ARG002  (Taps)
        self.merged = (x_TH, h_TH)
        return h_TH


def plain(weight_OI: Tensor, bias_O: Tensor) -> Linear:
    return PlainLinear(weight_OI, bias_O)


def tensors_of(spec: AdapterSpec, backbone: Backbone) -> dict[str, Tensor]:
    """Return starting tensors, made larger so that every gradient is well away from zero."""
    tensors = initial_tensors(spec, backbone, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for name, tensor in tensors.items():
            if name.endswith(("down.weight", "up.weight", "head.0.weight")):
                tensor.mul_(20)
    return tensors


def batch() -> PackedRows:
    texts = rows([3, 12, 12, 5])
    return pack_rows([text.token_ids for text in texts], [text.type_ids for text in texts])


def gradients(
    backbone: Backbone, spec: AdapterSpec, tensors: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    learner = AdapterLearner(backbone, spec, tensors)
    loss = F.cross_entropy(learner.logits(batch(), Dropout()), torch.tensor([0, 1, 1, 0]))
    found = torch.autograd.grad(loss, list(tensors.values()))
    return dict(zip(tensors, found, strict=True))


@pytest.mark.parametrize("own_norms", [True, False])
@pytest.mark.parametrize("size", [1, 8])
def test_an_adapters_gradient_is_that_of_plain_layers(
    training_backbone: Backbone, tiny_folder: Path, size: int, *, own_norms: bool
) -> None:
    spec = random_spec(training_backbone.identity, modules=houlsby(size, own_norms=own_norms))
    tensors = tensors_of(spec, training_backbone)

    found = gradients(training_backbone, spec, tensors)
    expected = gradients(read_backbone(tiny_folder, linear=plain), spec, tensors)

    for name, gradient in expected.items():
        assert gradient.abs().max() > 1e-6, name
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("dropout", [Dropout(), Dropout(hidden=0.1)])
def test_every_method_learns(training_backbone: Backbone, dropout: Dropout) -> None:
    modules = (
        Invertible(size=4),
        Bottleneck(size=4, sites=("ffn",), norm_before=True),
        *houlsby(4),
        Lora(projections=("query", "value", "ffn_up"), r=2, alpha=2.0, bias=True),
        Ia3(outputs=("key", "attention_output"), inputs=("ffn_down",)),
    )
    spec = random_spec(training_backbone.identity, modules=modules)
    tensors = tensors_of(spec, training_backbone)
    learner = AdapterLearner(training_backbone, spec, tensors)
    losses: list[float] = []
    gradients: tuple[Tensor, ...] = ()

    for _ in range(12):
        loss = F.cross_entropy(learner.logits(batch(), dropout), torch.tensor([0, 1, 1, 0]))
        gradients = torch.autograd.grad(loss, list(tensors.values()))
        losses.append(float(loss.detach()))
        with torch.no_grad():
            for tensor, gradient in zip(tensors.values(), gradients, strict=True):
                tensor.sub_(0.02 * gradient.sign())

    assert losses[-1] < 0.7 * losses[0]
    assert [name for name, g in zip(tensors, gradients, strict=True) if not g.any()] == []


def test_dropout_leaves_projections_to_the_wrapped_taps(training_backbone: Backbone) -> None:
    spec = random_spec(
        training_backbone.identity, modules=(Lora(projections=("query",), r=2, alpha=2.0),)
    )
    adapter = Adapter(spec, tensors_of(spec, training_backbone), norm_eps=1e-12)
    taps = DropoutTaps(adapter, 0.1)

    assert taps.projection(0, "query") is adapter.projection(0, "query") is not None
    assert taps.projection(0, "key") is None
    assert taps.changes("embeddings")


def test_every_tensor_is_a_parameter(training_backbone: Backbone) -> None:
    spec = random_spec(training_backbone.identity, modules=houlsby(4))
    tensors = tensors_of(spec, training_backbone)

    parameters = AdapterLearner(training_backbone, spec, tensors).parameters()

    assert [id(p) for p in parameters] == [id(t) for t in tensors.values()]


def test_dropout_acts_on_what_the_head_sees(training_backbone: Backbone) -> None:
    spec = random_spec(training_backbone.identity)
    learner = AdapterLearner(training_backbone, spec, tensors_of(spec, training_backbone))

    first, same, other = (learner.logits(batch(), Dropout(head=rate)) for rate in (0.0, 0.0, 0.5))

    assert torch.equal(first, same)
    assert not torch.allclose(first, other)


def test_hidden_dropout_acts_where_bert_drops() -> None:
    recorder, norm = _RecordingTaps(), Norm(torch.ones(64), torch.zeros(64), 1e-12)
    taps = DropoutTaps(recorder, 0.5)
    x_TH = torch.rand(8, 64) + 1

    embedded_TH = taps.embed(x_TH, norm)
    taps.merge(0, "ffn", x_TH, x_TH, norm)

    residual_TH, h_TH = recorder.merged
    assert torch.equal(residual_TH, x_TH)
    for dropped_TH in (embedded_TH, h_TH):
        kept_TH = dropped_TH != 0
        assert 0.3 < kept_TH.float().mean() < 0.7
        assert_close(dropped_TH[kept_TH], 2 * x_TH[kept_TH])


def test_hidden_dropout_changes_a_training_step(training_backbone: Backbone) -> None:
    spec = random_spec(training_backbone.identity)
    learner = AdapterLearner(training_backbone, spec, tensors_of(spec, training_backbone))

    assert not torch.allclose(
        learner.logits(batch(), Dropout()), learner.logits(batch(), Dropout(hidden=0.1))
    )
