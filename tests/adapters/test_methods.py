"""Every method in a whole encoder: values and gradients against plain products and one row."""

from collections.abc import Sequence
from typing import get_args

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from mixed_batches import run_alone
from multitap_adapters.adapter import Adapter
from multitap_adapters.encoder import BareTaps
from multitap_adapters.file import AdapterFile
from multitap_adapters.linear import GradientLinear
from multitap_adapters.loading import float_tensors
from multitap_adapters.packing import pack_rows
from multitap_adapters.spec import (
    Bottleneck,
    Ia3,
    Invertible,
    LayerNorms,
    Lora,
    LoraOverride,
    Module,
    Projection,
)
from multitap_adapters.tokenizer import TokenizedRow
from plain_model import PlainModel
from random_adapters import random_adapter
from tiny_backbone import TinyConfig
from tiny_model import TinyModel, tiny_model

_EVERYWHERE: tuple[Projection, ...] = get_args(Projection)
_PFEIFFER = Bottleneck(size=6, sites=("ffn",), activation="relu", norm_before=True)
_HOULSBY = Bottleneck(size=5, activation="silu")
_PARALLEL = Bottleneck(size=4, sites=("ffn",), arrangement="parallel", scaling=2.0)
_VARIANTS: dict[str, tuple[Module, ...]] = {
    **{f"lora_at_{place}": (Lora(projections=(place,), r=3, alpha=6.0),) for place in _EVERYWHERE},
    "lora_of_another_order": (Lora(projections=("value", "query"), r=2, alpha=2.0),),
    "lora_everywhere": (Lora(projections=_EVERYWHERE, r=2, alpha=3.0),),
    "lora_rslora": (Lora(projections=_EVERYWHERE, r=4, alpha=2.0, rslora=True),),
    "lora_with_biases": (Lora(projections=_EVERYWHERE, r=2, alpha=2.0, bias=True),),
    "lora_left_out": (Lora(projections=("query", "ffn_down"), r=2, alpha=4.0, leave_out=(0,)),),
    "lora_overridden": (
        Lora(
            projections=("query", "ffn_up"),
            r=4,
            alpha=4.0,
            overrides=(
                LoraOverride(layer=0, projection="query", r=1),
                LoraOverride(layer=1, projection="query", alpha=1.0),
                LoraOverride(layer=1, projection="ffn_up", r=7, alpha=3.0),
            ),
        ),
    ),
    "lora_overridden_and_rslora": (
        Lora(
            projections=("value",),
            r=4,
            alpha=4.0,
            rslora=True,
            overrides=(LoraOverride(layer=1, projection="value", r=9, alpha=6.0),),
        ),
    ),
    "lora_on_lora": (
        Lora(projections=("query", "value", "attention_output"), r=2, alpha=6.0),
        Lora(projections=("query", "key"), r=4, alpha=8.0, rslora=True),
        Lora(projections=("query",), r=3, alpha=3.0, leave_out=(1,)),
    ),
    **{f"ia3_output_of_{place}": (Ia3(outputs=(place,)),) for place in _EVERYWHERE},
    **{f"ia3_input_of_{place}": (Ia3(inputs=(place,)),) for place in _EVERYWHERE},
    "ia3_everywhere": (Ia3(outputs=_EVERYWHERE, inputs=_EVERYWHERE),),
    "ia3_left_out": (Ia3(outputs=("key", "value"), inputs=("ffn_down",), leave_out=(1,)),),
    "ia3_on_ia3": (Ia3(outputs=("key",), inputs=("value",)), Ia3(outputs=("key", "value"))),
    "ia3_inputs_on_each_other": (Ia3(inputs=("key", "ffn_down")), Ia3(inputs=("ffn_down",))),
    "ia3_beside_lora": (
        Ia3(outputs=("key", "value"), inputs=("ffn_down",)),
        Lora(projections=("query", "ffn_up"), r=2, alpha=2.0),
    ),
    "invertible": (Invertible(size=5),),
    "invertible_behind_own_norm": (Invertible(size=9, activation="tanh"), LayerNorms(sites=())),
    "stack_of_pfeiffers": (Invertible(size=4), _PFEIFFER, _PFEIFFER),
    "houlsby_on_pfeiffer": (Invertible(size=4), _PFEIFFER, _HOULSBY),
    "pfeiffer_on_houlsby": (_HOULSBY, _PFEIFFER, LayerNorms()),
    "houlsby_on_parallel": (_PARALLEL, _HOULSBY),
    "parallel_on_houlsby": (_HOULSBY, _PARALLEL),
    "left_out_in_turn": (
        Bottleneck(size=3, leave_out=(0,)),
        Bottleneck(size=2, new_norm_after=True, leave_out=(1,)),
    ),
    "stack_of_three": (_PFEIFFER, _HOULSBY, Bottleneck(size=1, norm_before=True, residual="sum")),
    "every_method": (
        LayerNorms(),
        _HOULSBY,
        Lora(projections=("query", "value"), r=2, alpha=2.0, bias=True),
        Invertible(size=4),
        Ia3(outputs=("key", "ffn_up"), inputs=("ffn_down",)),
        _PFEIFFER,
    ),
}


@pytest.fixture(scope="module")
def model() -> TinyModel:
    """Return a tiny model for inference."""
    return tiny_model(TinyConfig())


@pytest.fixture(scope="module")
def training_model() -> TinyModel:
    """Return the same model with layers that pass gradients."""
    return tiny_model(TinyConfig(), linear=GradientLinear)


def _row(length: int, seed: int = 0) -> TokenizedRow:
    ids = torch.randint(0, 100, (length,), generator=torch.Generator().manual_seed(seed))
    first = length // 2
    return TokenizedRow([int(i) for i in ids], [0] * first + [1] * (length - first), length)


def _file(model: TinyModel, modules: Sequence[Module]) -> AdapterFile:
    return random_adapter(model.identity, 5, modules=modules)


def _adapter(model: TinyModel, file: AdapterFile) -> Adapter:
    return Adapter(file.spec, float_tensors(file), norm_eps=model.config.layer_norm_eps)


@pytest.mark.parametrize("variant", _VARIANTS)
@pytest.mark.parametrize("length", [1, 7])
def test_hidden_states_are_those_of_the_changed_weights(
    model: TinyModel, variant: str, length: int
) -> None:
    file, row = _file(model, _VARIANTS[variant]), _row(length)
    plain = PlainModel(model.config, model.weights, file.spec, float_tensors(file))

    hidden_TH = run_alone(model.encoder, _adapter(model, file), row)

    assert_close(hidden_TH, plain.hidden(row.token_ids, row.type_ids), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("variant", _VARIANTS)
def test_a_method_changes_the_hidden_states(model: TinyModel, variant: str) -> None:
    row = _row(7)

    changed_TH = run_alone(model.encoder, _adapter(model, _file(model, _VARIANTS[variant])), row)

    unchanged_TH = run_alone(model.encoder, BareTaps(), row)
    assert (changed_TH - unchanged_TH).abs().max() > 0.05


@pytest.mark.parametrize("variant", _VARIANTS)
def test_every_tensor_gets_the_gradient_of_the_changed_weights(
    training_model: TinyModel, variant: str
) -> None:
    file, row = _file(training_model, _VARIANTS[variant]), _row(8)
    tensors = {
        name: tensor.requires_grad_()
        for name, tensor in float_tensors(file).items()
        if name.startswith("modules.")
    }
    head = {n: t for n, t in float_tensors(file).items() if n.startswith("head.")}
    adapter = Adapter(file.spec, tensors | head, norm_eps=training_model.config.layer_norm_eps)
    plain = PlainModel(training_model.config, training_model.weights, file.spec, tensors)
    probe_TH = torch.normal(0.0, 1.0, (8, 32), generator=torch.Generator().manual_seed(1))

    packed = pack_rows([row.token_ids], [row.type_ids])
    hidden_TH = training_model.encoder.forward(packed, adapter)

    gradients = _gradients(hidden_TH, probe_TH, tensors)
    expected = _gradients(plain.hidden(row.token_ids, row.type_ids), probe_TH, tensors)
    for name, gradient in expected.items():
        assert_close(gradients[name], gradient, rtol=1e-4, atol=1e-4, msg=name)


def _gradients(y_TH: Tensor, probe_TH: Tensor, leaves: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return every leaf's gradient, zeros for one that is not reached."""
    found = torch.autograd.grad(
        (y_TH * probe_TH).sum(), list(leaves.values()), allow_unused=True, materialize_grads=True
    )
    return dict(zip(leaves, found, strict=True))
