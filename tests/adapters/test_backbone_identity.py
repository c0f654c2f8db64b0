"""The three digests of a backbone: what they cover, and which adapters they let in."""

import hashlib
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers.normalizers import BertNormalizer

from model_folders import (
    WEIGHTS,
    Weights,
    change_config,
    change_weights,
    rename_weights,
    shard_weights,
)
from multitap_adapters.backbone import Backbone, read_backbone, require_same_backbone
from multitap_adapters.errors import WrongBackbone
from safetensors_files import load_tensors, save_tensors
from tiny_backbone import tiny_tokenizer


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the tiny backbone's folder, free to change."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


def _digest(folder: Path) -> str:
    return read_backbone(folder).identity.digest


def _with_prefix(name: str) -> str:
    return f"bert.{name}"


def _with_old_names(name: str) -> str:
    return name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta")


def test_the_identity_names_the_family_and_the_sizes(tiny_backbone: Backbone) -> None:
    identity = tiny_backbone.identity

    assert (identity.model_type, identity.num_layers) == ("bert", 2)
    assert (identity.hidden_size, identity.intermediate_size, identity.embedding_size) == (
        32,
        64,
        32,
    )


def test_the_digest_is_the_documented_one(tiny_folder: Path, tiny_backbone: Backbone) -> None:
    hashed = hashlib.sha256()
    for name, tensor in sorted(load_tensors(tiny_folder / WEIGHTS).items()):
        if name.startswith("pooler."):
            continue
        for text in (name, "F32"):
            hashed.update(len(text).to_bytes(4, "little") + text.encode())
        hashed.update(tensor.ndim.to_bytes(4, "little"))
        for size in tensor.shape:
            hashed.update(size.to_bytes(8, "little"))
        hashed.update(struct.pack(f"<{tensor.numel()}f", *tensor.flatten()))

    assert tiny_backbone.identity.digest == f"sha256:{hashed.hexdigest()}"


def test_the_config_digest_is_the_documented_one(tiny_backbone: Backbone) -> None:
    text = (
        '{"activation":"gelu","layer_norm_eps":1e-12,"max_positions":64,'
        '"num_heads":4,"num_types":2,"position_offset":0}'
    )

    expected = hashlib.sha256(text.encode()).hexdigest()
    assert tiny_backbone.identity.config_digest == f"sha256:{expected}"


@pytest.mark.parametrize(
    "rename",
    [
        _with_prefix,
        _with_old_names,
        str,
    ],
)
def test_prefix_old_names_and_order_do_not_change_the_digest(
    folder: Path, tiny_backbone: Backbone, rename: Callable[[str], str]
) -> None:
    rename_weights(folder, rename)

    assert _digest(folder) == tiny_backbone.identity.digest


def test_shards_do_not_change_the_digest(folder: Path, tiny_backbone: Backbone) -> None:
    shard_weights(folder)

    assert _digest(folder) == tiny_backbone.identity.digest


def test_poolers_heads_and_buffers_are_not_part_of_the_digest(
    folder: Path, tiny_backbone: Backbone
) -> None:
    def change(weights: Weights) -> None:
        del weights["pooler.dense.weight"]
        weights["pooler.dense.bias"] += 1
        weights["classifier.weight"] = torch.ones(2, 32)
        weights["embeddings.position_ids"] = torch.arange(64).unsqueeze(0)

    change_weights(folder, change)

    assert _digest(folder) == tiny_backbone.identity.digest


def test_any_changed_tensor_changes_the_digest(tiny_folder: Path, tmp_path: Path) -> None:
    weights = load_tensors(tiny_folder / WEIGHTS)
    digests = {_digest(tiny_folder)}
    names = [name for name in weights if not name.startswith("pooler.")]
    for index, name in enumerate(names):
        folder = Path(shutil.copytree(tiny_folder, tmp_path / str(index)))
        changed = weights[name].clone()
        changed.view(-1)[-1] += 1e-6
        save_tensors(folder / WEIGHTS, {**weights, name: changed})
        digests.add(_digest(folder))

    assert len(digests) == 1 + len(names)


def test_the_dtype_of_the_weights_is_part_of_the_digest(folder: Path) -> None:
    def halve(weights: Weights) -> None:
        weights.update({name: tensor.half() for name, tensor in weights.items()})

    change_weights(folder, halve)
    halved = _digest(folder)

    def widen(weights: Weights) -> None:
        weights.update({name: tensor.float() for name, tensor in weights.items()})

    change_weights(folder, widen)
    assert _digest(folder) != halved


def test_a_changed_setting_changes_the_config_digest_alone(
    folder: Path, tiny_backbone: Backbone
) -> None:
    change_config(folder, num_attention_heads=8)

    identity = read_backbone(folder).identity

    assert identity.config_digest != tiny_backbone.identity.config_digest
    assert identity.digest == tiny_backbone.identity.digest
    assert identity.tokenizer_digest == tiny_backbone.identity.tokenizer_digest


def test_a_backbone_accepts_its_own_adapters(tiny_backbone: Backbone) -> None:
    require_same_backbone(tiny_backbone.identity, tiny_backbone.identity)


def test_another_tokenizer_is_no_other_backbone(folder: Path, tiny_backbone: Backbone) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.normalizer = BertNormalizer(lowercase=False)
    (folder / "tokenizer.json").write_text(tokenizer.to_str())
    other = read_backbone(folder).identity

    assert other.tokenizer_digest != tiny_backbone.identity.tokenizer_digest
    require_same_backbone(other, tiny_backbone.identity)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_type", "roberta"),
        ("hidden_size", 64),
        ("num_layers", 3),
        ("digest", "sha256:" + "0" * 64),
        ("config_digest", "sha256:" + "0" * 64),
    ],
)
def test_an_adapter_of_another_backbone_is_refused_with_both_values(
    tiny_backbone: Backbone, field: str, value: object
) -> None:
    wanted = tiny_backbone.identity.model_copy(update={field: value})

    with pytest.raises(WrongBackbone) as caught:
        require_same_backbone(wanted, tiny_backbone.identity)

    assert (caught.value.field, caught.value.found) == (field, value)
    assert caught.value.expected == getattr(tiny_backbone.identity, field)
    assert repr(value) in str(caught.value)
