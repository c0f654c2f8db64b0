"""Training starts next to the backbone, with weights from a cut normal distribution."""

import pytest
import torch

from engine_parts import rows
from multitap_adapters.adapter import Adapter
from multitap_adapters.backbone import Backbone
from multitap_adapters.encoder import BareTaps
from multitap_adapters.file import tensor_shapes
from multitap_adapters.packing import pack_rows
from multitap_adapters.spec import AdapterSpec, Bottleneck, LayerNorms
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
