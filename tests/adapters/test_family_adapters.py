"""Adapters on every family: exact in any mix, and own norms as `transformers` computes them."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from mixed_batches import run_alone, run_mix
from multitap_adapters.adapter import Adapter
from multitap_adapters.backbone import Backbone, read_backbone
from multitap_adapters.encoder import BareTaps, Taps
from multitap_adapters.linear import GradientLinear
from multitap_adapters.loading import float_tensors, load_adapter
from multitap_adapters.packing import pack_rows
from multitap_adapters.spec import Bottleneck, LayerNorms, Module
from multitap_adapters.tokenizer import TokenizedRow
from random_adapters import houlsby, random_adapter
from random_rows import random_rows
from reference_model import reference_model, states_padded
from tiny_backbone import FAMILY_CONFIGS, tiny_backbone_folder

_LENGTHS = [9, 1, 64, 9, 30, 2, 17, 5]
_MODULES: tuple[tuple[Module, ...], ...] = (
    houlsby(8),
    (LayerNorms(),),
    (Bottleneck(size=5, sites=("ffn",), norm_before=True, activation="relu"),),
    (Bottleneck(size=6, sites=("ffn",), arrangement="parallel", scaling="channel"),),
)


@pytest.fixture(scope="module", params=FAMILY_CONFIGS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of one family's tiny backbone."""
    family = str(request.param)
    config = FAMILY_CONFIGS[family]
    return tiny_backbone_folder(tmp_path_factory.mktemp(family) / "model", config=config)


@pytest.fixture(scope="module")
def backbone(folder: Path) -> Backbone:
    """Return that backbone in memory."""
    return read_backbone(folder)


def _rows(backbone: Backbone, seed: int = 0) -> list[TokenizedRow]:
    return random_rows(_LENGTHS, ids=backbone.config.vocab_size, types=2, seed=seed)


def _place(name: str, backbone: Backbone) -> str:
    """Return the backbone's own tensor that a tensor of a layer_norm module replaces."""
    family = backbone.config.family
    _, _, *place, tensor = name.split(".")
    if place == ["embeddings"]:
        return f"{family.embedding_norm}.{tensor}"
    _, layer, site = place
    names = family.layer_names(int(layer))
    return f"{names.attention_norm if site == 'attention' else names.ffn_norm}.{tensor}"


@pytest.mark.parametrize("seed", range(3))
def test_a_row_s_states_in_a_mix_equal_its_states_alone(backbone: Backbone, seed: int) -> None:
    adapters: list[Taps] = [
        load_adapter(random_adapter(backbone.identity, number, modules=modules), backbone)
        for number, modules in enumerate(_MODULES)
    ]
    rows = _rows(backbone, seed)
    taps = [*adapters[seed:], BareTaps(), *adapters[:seed]]
    parts = [(one, rows[index : index + 3]) for index, one in enumerate(taps)]

    mixed = run_mix(backbone.encoder, parts)

    for (one, its_rows), hidden in zip(parts, mixed, strict=True):
        alone = [run_alone(backbone.encoder, one, row) for row in its_rows]
        assert_close(hidden, alone, rtol=1e-5, atol=1e-5)


def test_every_adapter_of_the_mix_changes_the_states(backbone: Backbone) -> None:
    row = _rows(backbone)[0]
    bare_TH = run_alone(backbone.encoder, BareTaps(), row)

    for number, modules in enumerate(_MODULES):
        file = random_adapter(backbone.identity, number, modules=modules)
        adapted_TH = run_alone(backbone.encoder, load_adapter(file, backbone), row)
        assert (adapted_TH - bare_TH).abs().max() > 0.1


def test_own_norms_compute_what_transformers_computes_with_them(
    folder: Path, backbone: Backbone
) -> None:
    file = random_adapter(backbone.identity, modules=(LayerNorms(),))
    model = reference_model(folder)
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, tensor in float_tensors(file).items():
            if name.startswith("modules."):
                parameters[_place(name, backbone)].copy_(tensor)
    rows = _rows(backbone)

    (states,) = run_mix(backbone.encoder, [(load_adapter(file, backbone), rows)])

    assert_close(states, states_padded(model, rows), rtol=1e-5, atol=1e-5)


def test_gradients_of_own_norms_are_those_of_transformers(folder: Path) -> None:
    training = read_backbone(folder, linear=GradientLinear)
    file = random_adapter(training.identity, modules=(LayerNorms(),))
    tensors = {name: tensor.requires_grad_() for name, tensor in float_tensors(file).items()}
    adapter = Adapter(file.spec, tensors, norm_eps=training.config.layer_norm_eps)
    model = reference_model(folder)
    parameters = dict(model.named_parameters())
    own = [name for name in tensors if name.startswith("modules.")]
    with torch.no_grad():
        for name in own:
            parameters[_place(name, training)].copy_(tensors[name])
    token_ids = [2, 9, 30, 41, 3]
    goal_TH = torch.randn(5, 32, generator=torch.Generator().manual_seed(0))
    packed = pack_rows([token_ids], [[0] * 5])

    found = _gradients(
        training.encoder.forward(packed, adapter), goal_TH, [tensors[n] for n in own]
    )

    theirs_TH = model(input_ids=torch.tensor([token_ids])).last_hidden_state[0]
    expected = _gradients(theirs_TH, goal_TH, [parameters[_place(n, training)] for n in own])
    for name, gradient, reference in zip(own, found, expected, strict=True):
        assert reference.abs().max() > 1e-3, name
        assert_close(gradient, reference, rtol=1e-4, atol=1e-4, msg=name)


def _gradients(states_TH: Tensor, goal_TH: Tensor, leaves: list[Tensor]) -> tuple[Tensor, ...]:
    return torch.autograd.grad((states_TH * goal_TH).sum(), leaves)
