"""A whole adapter against its formulas, and what it refuses to run."""

from typing import get_args

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from mixed_batches import run_alone
from multitap_adapters.adapter import Adapter, below
from multitap_adapters.backbone import Backbone
from multitap_adapters.encoder import Norm
from multitap_adapters.file import AdapterFile
from multitap_adapters.loading import float_tensors, load_adapter
from multitap_adapters.spec import (
    Bottleneck,
    LayerNorms,
    Module,
    Site,
)
from multitap_adapters.stacks import require_stackable
from plain_adapters import PlainNorm, plain_merge
from random_adapters import houlsby, random_adapter

_TOKENS = 6
_VARIANTS: dict[str, tuple[Module, ...]] = {
    "houlsby": houlsby(8, own_norms=False),
    "houlsby_and_norms": houlsby(8),
    "norms_first": (LayerNorms(), Bottleneck(size=8)),
    "norms": (LayerNorms(),),
    "norms_of_one_site": (LayerNorms(sites=("ffn",), embeddings=False),),
    "norms_of_the_embeddings": (LayerNorms(sites=()),),
    "one_site": (Bottleneck(size=8, sites=("attention",)),),
    "sizes_by_layer": (Bottleneck(size=(3, 9)),),
    "left_out": (Bottleneck(size=8, leave_out=(0,)), LayerNorms(leave_out=(1,))),
    "all_left_out": (Bottleneck(size=8, leave_out=(0, 1)),),
    "stack_of_two": (Bottleneck(size=8, sites=("ffn",), norm_before=True), Bottleneck(size=3)),
    "head_only": (),
}


def _random(*shape: int, seed: int, mean: float = 0.0) -> Tensor:
    return torch.normal(mean, 0.5, shape, generator=torch.Generator().manual_seed(seed))


def _file(backbone: Backbone, variant: str) -> AdapterFile:
    return random_adapter(backbone.identity, 3, modules=_VARIANTS[variant])


@pytest.mark.parametrize("variant", _VARIANTS)
def test_every_site_follows_its_formula(tiny_backbone: Backbone, variant: str) -> None:
    file = _file(tiny_backbone, variant)
    tensors = float_tensors(file)
    adapter = load_adapter(file, tiny_backbone)
    hidden, eps = tiny_backbone.config.hidden_size, 1e-12
    x_TH, h_TH = _random(_TOKENS, hidden, seed=1), _random(_TOKENS, hidden, seed=2)
    weight_H, bias_H = _random(hidden, seed=3, mean=1.0), _random(hidden, seed=4)

    for layer in range(tiny_backbone.config.num_layers):
        site: Site
        for site in get_args(Site):
            output_TH = adapter.merge(layer, site, x_TH, h_TH, Norm(weight_H, bias_H, eps))

            plain_norm = PlainNorm(weight_H, bias_H, eps)
            expected_TH = plain_merge(file.spec, tensors, (layer, site), x_TH, h_TH, plain_norm)
            assert_close(output_TH, expected_TH, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("variant", _VARIANTS)
def test_the_embeddings_go_through_the_task_s_own_norm_where_it_has_one(
    tiny_backbone: Backbone, variant: str
) -> None:
    file = _file(tiny_backbone, variant)
    tensors = below(float_tensors(file), "modules.")
    norm = PlainNorm(_random(32, seed=3, mean=1.0), _random(32, seed=4), 1e-12)
    x_TH = _random(_TOKENS, 32, seed=1)

    output_TH = load_adapter(file, tiny_backbone).embed(
        x_TH, Norm(norm.weight_H, norm.bias_H, 1e-12)
    )

    for index in range(len(file.spec.modules)):
        if f"{index}.embeddings.weight" in tensors:
            own = below(tensors, f"{index}.embeddings.")
            norm = PlainNorm(own["weight"], own["bias"], 1e-12)
    assert_close(output_TH, torch.stack([norm(x_H) for x_H in x_TH]), rtol=1e-5, atol=1e-5)


def test_own_norms_have_the_backbone_s_epsilon(tiny_backbone: Backbone) -> None:
    file = _file(tiny_backbone, "norms")
    adapter = Adapter(file.spec, float_tensors(file), norm_eps=0.5)
    x_TH, h_TH = _random(_TOKENS, 32, seed=1), _random(_TOKENS, 32, seed=2)

    output_TH = adapter.merge(0, "ffn", x_TH, h_TH, Norm(torch.ones(32), torch.zeros(32), 1e-12))

    own = below(float_tensors(file), "modules.0.layers.0.ffn.")
    norm = PlainNorm(own["weight"], own["bias"], 0.5)
    expected = [norm(v_H) for v_H in x_TH + h_TH]
    assert_close(output_TH, torch.stack(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("variant", ["houlsby", "norms", "left_out", "sizes_by_layer"])
def test_an_adapter_changes_the_hidden_states(tiny_backbone: Backbone, variant: str) -> None:
    (row,) = tiny_backbone.tokenizer.tokenize(["the film was very good"], max_tokens=16)
    bare = load_adapter(_file(tiny_backbone, "head_only"), tiny_backbone)

    changed_TH = run_alone(
        tiny_backbone.encoder, load_adapter(_file(tiny_backbone, variant), tiny_backbone), row
    )

    unchanged_TH = run_alone(tiny_backbone.encoder, bare, row)
    assert (changed_TH - unchanged_TH).abs().max() > 0.1


def test_an_adapter_knows_its_size_in_memory(tiny_backbone: Backbone) -> None:
    file = _file(tiny_backbone, "head_only")

    assert load_adapter(file, tiny_backbone).size_bytes == 4 * (2 * 32 + 2)


def test_the_rest_of_a_name_stands_below_its_prefix() -> None:
    tensors = {"a.x": torch.ones(1), "a.y.z": torch.ones(2), "ab.x": torch.ones(3)}

    assert {name: len(t) for name, t in below(tensors, "a.").items()} == {"x": 1, "y.z": 2}


@pytest.mark.parametrize("variant", _VARIANTS)
def test_these_specifications_can_be_run(tiny_backbone: Backbone, variant: str) -> None:
    require_stackable(_file(tiny_backbone, variant).spec)
