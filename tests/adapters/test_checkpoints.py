"""Checkpoints as they are found: every family, with and without prefix, with heads and buffers."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol, cast

import pytest
import torch
from torch.testing import assert_close
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    PreTrainedConfig,
    PreTrainedModel,
)

from model_folders import WEIGHTS, Weights, change_weights, rename_weights, shard_weights
from multitap_adapters.backbone import read_backbone, read_weights
from multitap_adapters.config import parse_config
from multitap_adapters.errors import UnsupportedBackbone
from multitap_adapters.family import FAMILIES
from safetensors_files import load_tensors
from tiny_backbone import FAMILY_CONFIGS, tiny_backbone_folder

_PREFIXES = {
    "bert": "bert.",
    "roberta": "roberta.",
    "xlm-roberta": "roberta.",
    "camembert": "roberta.",
    "electra": "electra.",
    "distilbert": "distilbert.",
}


class _ModelClass(Protocol):
    def from_config(self, config: PreTrainedConfig) -> PreTrainedModel: ...


families = pytest.mark.parametrize("family", FAMILY_CONFIGS)


@pytest.fixture
def folder(family: str, tmp_path: Path) -> Path:
    """Return a folder of the family's tiny backbone, free to change."""
    return tiny_backbone_folder(tmp_path / "model", config=FAMILY_CONFIGS[family])


def _digest(folder: Path) -> str:
    return read_backbone(folder).identity.digest


def _old(name: str) -> str:
    for norm in ("LayerNorm", "layer_norm"):
        name = name.replace(f"{norm}.weight", f"{norm}.gamma").replace(
            f"{norm}.bias", f"{norm}.beta"
        )
    return name


@families
def test_order_prefix_old_names_and_shards_do_not_change_the_digest(
    family: str, folder: Path
) -> None:
    digest = _digest(folder)

    rename_weights(folder, str)
    assert _digest(folder) == digest
    rename_weights(folder, lambda name: _PREFIXES[family] + name)
    assert _digest(folder) == digest
    rename_weights(folder, _old)
    assert _digest(folder) == digest
    shard_weights(folder)
    assert _digest(folder) == digest


@families
def test_heads_poolers_and_buffers_are_not_read(family: str, folder: Path) -> None:
    digest = _digest(folder)

    def add(weights: Weights) -> None:
        prefix = _PREFIXES[family]
        weights["classifier.dense.weight"] = torch.ones(32, 32)
        weights["lm_head.layer_norm.weight"] = torch.ones(32)
        weights["vocab_layer_norm.weight"] = torch.ones(32)
        weights["discriminator_predictions.dense.weight"] = torch.ones(32, 32)
        weights["cls.predictions.transform.LayerNorm.gamma"] = torch.ones(32)
        weights[f"{prefix}embeddings.position_ids"] = torch.arange(64)[None]
        weights[f"{prefix}pooler.dense.weight"] = torch.ones(32, 32)

    change_weights(folder, add)

    assert _digest(folder) == digest


@families
@pytest.mark.parametrize("head", [AutoModelForMaskedLM, AutoModelForSequenceClassification])
def test_what_transformers_saves_is_read_whole(
    family: str, head: _ModelClass, tmp_path: Path
) -> None:
    document = FAMILY_CONFIGS[family].document()
    configure = cast(
        "Callable[..., PreTrainedConfig]",
        AutoConfig.for_model,  # pyright: ignore[reportUnknownMemberType]  (partly untyped)
    )
    config = configure(**document)
    model = head.from_config(config)
    model.save_pretrained(tmp_path)  # pyright: ignore[reportUnknownMemberType]  (partly untyped)
    parsed = parse_config(config.to_dict())
    base = model.base_model.state_dict()

    weights = read_weights(tmp_path, parsed)

    assert parsed == parse_config(document)
    assert weights.keys() == {name for name in base if not name.startswith("pooler.")}
    for name, tensor in weights.items():
        assert_close(tensor, base[name], rtol=0, atol=0)


@families
def test_any_changed_tensor_changes_the_digest(folder: Path) -> None:
    digests = {_digest(folder)}
    names = [name for name in load_tensors(folder / WEIGHTS) if not name.startswith("pooler.")]

    def change(name: str, weights: Weights) -> None:
        weights[name].view(-1)[-1] += 1e-3

    for name in names:
        change_weights(folder, partial(change, name))
        digests.add(_digest(folder))

    assert len(digests) == 1 + len(names)


@families
def test_a_missing_tensor_is_named(family: str, folder: Path) -> None:
    name = FAMILIES[family].layer_names(1).ffn_norm + ".bias"
    change_weights(folder, lambda weights: weights.pop(name))

    with pytest.raises(UnsupportedBackbone, match=f"lacks 1 tensors, '{name}' first"):
        read_backbone(folder)


@pytest.mark.parametrize("family", ["electra"])
def test_an_electra_without_its_projection_is_refused(folder: Path) -> None:
    change_weights(folder, lambda weights: weights.pop("embeddings_project.weight"))

    with pytest.raises(UnsupportedBackbone, match=r"'embeddings_project\.weight' first"):
        read_backbone(folder)
