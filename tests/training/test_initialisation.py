"""Training starts next to the backbone, with weights from a cut normal distribution."""

import pytest
import torch

from engine_parts import rows
from multitap_adapters.adapter import Adapter
from multitap_adapters.backbone import Backbone
from multitap_adapters.encoder import BareTaps
from multitap_adapters.file import tensor_shapes
from multitap_adapters.packing import pack_rows
from multitap_adapters.spec import (
    AdapterSpec,
    Bottleneck,
    Ia3,
    Invertible,
    LayerNorms,
    Lora,
    Module,
)
from multitap_training.initialisation import initial_tensors
from random_adapters import houlsby, random_spec


def start(spec: AdapterSpec, backbone: Backbone, seed: int = 0) -> dict[str, torch.Tensor]:
    return initial_tensors(spec, backbone, torch.Generator().manual_seed(seed))


@pytest.fixture
def spec(training_backbone: Backbone) -> AdapterSpec:
    return random_spec(training_backbone.identity, modules=houlsby(64))


def test_there_is_a_leaf_for_every_tensor_of_the_specification(
    spec: AdapterSpec, training_backbone: Backbone
) -> None:
    tensors = start(spec, training_backbone)

    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    assert shapes == dict(tensor_shapes(spec))
    assert all(t.is_leaf and t.requires_grad and t.dtype == torch.float32 for t in tensors.values())


@pytest.mark.parametrize(("part", "deviation"), [("modules.0.", 0.01), ("head.", 0.02)])
def test_weights_are_normal_and_cut_at_two_deviations(
    spec: AdapterSpec, training_backbone: Backbone, part: str, deviation: float
) -> None:
    tensors = start(spec, training_backbone)
    weights = [
        tensor.detach().flatten()
        for name, tensor in tensors.items()
        if name.startswith(part) and name.endswith(".weight")
    ]

    values = torch.cat(weights)

    assert float(values.abs().max()) <= 2 * deviation
    # A normal cut at two deviations has 0.88 of its deviation.
    assert float(values.std()) == pytest.approx(0.88 * deviation, rel=0.15)
    assert float(values.mean()) == pytest.approx(0, abs=0.25 * deviation)


def test_biases_are_zero(spec: AdapterSpec, training_backbone: Backbone) -> None:
    tensors = start(spec, training_backbone)

    for name, tensor in tensors.items():
        if name.endswith(("down.bias", "up.bias", "head.0.bias")):
            assert not tensor.any(), name


def test_own_norms_are_copies_of_the_backbones(
    spec: AdapterSpec, training_backbone: Backbone
) -> None:
    tensors = start(spec, training_backbone)

    for place, norm in training_backbone.encoder.norms():
        own = tensors[f"modules.1.{place}.weight"]
        assert torch.equal(own, norm.weight_H)
        assert torch.equal(tensors[f"modules.1.{place}.bias"], norm.bias_H)
        assert own.data_ptr() != norm.weight_H.data_ptr()


def test_an_untrained_adapter_changes_hidden_states_by_less_than_one_percent(
    spec: AdapterSpec, training_backbone: Backbone
) -> None:
    adapter = Adapter(
        spec, start(spec, training_backbone), norm_eps=training_backbone.config.layer_norm_eps
    )
    texts = rows([12, 5, 30])
    packed = pack_rows([text.token_ids for text in texts], [text.type_ids for text in texts])

    with torch.no_grad():
        adapted_TH = training_backbone.encoder.forward(packed, adapter)
        bare_TH = training_backbone.encoder.forward(packed, BareTaps())

    change = float(((adapted_TH - bare_TH).square().sum() / bare_TH.square().sum()).sqrt())
    assert 0 < change < 0.01


def test_untrained_norms_alone_change_nothing(training_backbone: Backbone) -> None:
    spec = random_spec(training_backbone.identity, modules=(LayerNorms(),))
    adapter = Adapter(
        spec, start(spec, training_backbone), norm_eps=training_backbone.config.layer_norm_eps
    )
    packed = pack_rows([[2, 9, 3]], [[0, 0, 0]])

    with torch.no_grad():
        adapted_TH = training_backbone.encoder.forward(packed, adapter)
        bare_TH = training_backbone.encoder.forward(packed, BareTaps())

    torch.testing.assert_close(adapted_TH, bare_TH, rtol=0, atol=0)


def test_the_generator_decides(training_backbone: Backbone) -> None:
    spec = random_spec(training_backbone.identity, modules=(Bottleneck(size=3),))

    first, same, other = (start(spec, training_backbone, seed) for seed in (1, 1, 2))

    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["head.0.weight"], other["head.0.weight"])


def test_a_lora_starts_as_in_peft(training_backbone: Backbone) -> None:
    lora = Lora(projections=("query", "ffn_up", "ffn_down"), r=8, alpha=8.0, bias=True)

    tensors = start(random_spec(training_backbone.identity, modules=(lora,)), training_backbone)

    for place, bias_O in training_backbone.encoder.biases():
        at = f"modules.0.{place}"
        if f"{at}.a" in tensors:
            a_RI = tensors[f"{at}.a"].detach()
            assert float(a_RI.abs().max()) == pytest.approx(a_RI.shape[1] ** -0.5, rel=0.1)
            assert not tensors[f"{at}.b"].any()
            assert torch.equal(tensors[f"{at}.bias"], bias_O)
            assert tensors[f"{at}.bias"].data_ptr() != bias_O.data_ptr()


def test_ia3_starts_with_ones(training_backbone: Backbone) -> None:
    ia3 = Ia3(outputs=("key",), inputs=("ffn_down",))

    tensors = start(random_spec(training_backbone.identity, modules=(ia3,)), training_backbone)

    scales = [tensor for name, tensor in tensors.items() if name.endswith("_scale")]
    assert len(scales) == 4
    assert all(bool((scale == 1).all()) for scale in scales)


def test_a_coupling_starts_as_in_the_library(training_backbone: Backbone) -> None:
    spec = random_spec(training_backbone.identity, modules=(Invertible(size=64),))

    tensors = start(spec, training_backbone)

    weights = [t.flatten() for n, t in tensors.items() if ".embeddings." in n and "weight" in n]
    assert float(torch.cat(weights).detach().std()) == pytest.approx(0.02, rel=0.1)
    assert not any(t.any() for n, t in tensors.items() if ".embeddings." in n and "bias" in n)


def test_a_bottlenecks_own_norms_and_scaling_start_at_one(training_backbone: Backbone) -> None:
    module = Bottleneck(size=2, new_norm_before=True, new_norm_after=True, scaling="channel")

    tensors = start(random_spec(training_backbone.identity, modules=(module,)), training_backbone)

    for name, tensor in tensors.items():
        if name.endswith(("norm_before.weight", "norm_after.weight", "scaling")):
            assert bool((tensor == 1).all()), name
        if name.endswith(("norm_before.bias", "norm_after.bias")):
            assert not tensor.any(), name


@pytest.mark.parametrize(
    "module",
    [
        Lora(projections=("query", "value", "ffn_up"), r=4, alpha=8.0, bias=True),
        Ia3(outputs=("key", "value"), inputs=("ffn_down", "query")),
    ],
)
def test_an_untrained_lora_or_ia3_changes_nothing(
    training_backbone: Backbone, module: Module
) -> None:
    spec = random_spec(training_backbone.identity, modules=(module,))
    adapter = Adapter(
        spec, start(spec, training_backbone), norm_eps=training_backbone.config.layer_norm_eps
    )
    packed = pack_rows([[2, 9, 3, 4]], [[0, 0, 0, 0]])

    with torch.no_grad():
        adapted_TH = training_backbone.encoder.forward(packed, adapter)
        bare_TH = training_backbone.encoder.forward(packed, BareTaps())

    torch.testing.assert_close(adapted_TH, bare_TH, rtol=1e-6, atol=1e-6)
