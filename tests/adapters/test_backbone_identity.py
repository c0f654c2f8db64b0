"""The three digests of a backbone: what they cover, and which adapters they let in."""

import hashlib
import shutil
import struct
from pathlib import Path

import pytest
from tokenizers.normalizers import BertNormalizer

from model_folders import (
    WEIGHTS,
    Weights,
    change_config,
    change_weights,
)
from multitap_adapters.backbone import Backbone, read_backbone, require_same_backbone
from multitap_adapters.errors import WrongBackbone
from safetensors_files import load_tensors
from tiny_backbone import FAMILY_CONFIGS, tiny_backbone_folder, tiny_tokenizer


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the tiny backbone's folder, free to change."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


def _digest(folder: Path) -> str:
    return read_backbone(folder).identity.digest


def _plain_digest(folder: Path) -> str:
    """Return the digest of a folder's tensors without its pooler, as the documentation has it."""
    hashed = hashlib.sha256()
    for name, tensor in sorted(load_tensors(folder / WEIGHTS).items()):
        if name.startswith("pooler."):
            continue
        for text in (name, "F32"):
            hashed.update(len(text).to_bytes(4, "little") + text.encode())
        hashed.update(tensor.ndim.to_bytes(4, "little"))
        for size in tensor.shape:
            hashed.update(size.to_bytes(8, "little"))
        hashed.update(struct.pack(f"<{tensor.numel()}f", *tensor.flatten()))
    return f"sha256:{hashed.hexdigest()}"


@pytest.mark.parametrize("family", FAMILY_CONFIGS)
def test_the_identity_names_the_family_and_the_sizes(family: str, tmp_path: Path) -> None:
    config = FAMILY_CONFIGS[family]
    identity = read_backbone(tiny_backbone_folder(tmp_path / "model", config=config)).identity

    assert (identity.model_type, identity.num_layers) == (family, 2)
    assert (identity.hidden_size, identity.intermediate_size) == (32, 64)
    assert identity.embedding_size == (16 if family == "electra" else 32)


@pytest.mark.parametrize("family", FAMILY_CONFIGS)
def test_the_digest_is_the_documented_one(family: str, tmp_path: Path) -> None:
    folder = tiny_backbone_folder(tmp_path / "model", config=FAMILY_CONFIGS[family])

    assert _digest(folder) == _plain_digest(folder)


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("bert", '"max_positions":64,"num_heads":4,"num_types":2,"position_offset":0'),
        ("electra", '"max_positions":64,"num_heads":4,"num_types":2,"position_offset":0'),
        ("camembert", '"max_positions":66,"num_heads":4,"num_types":1,"position_offset":2'),
        ("distilbert", '"max_positions":64,"num_heads":4,"num_types":0,"position_offset":0'),
    ],
)
def test_the_config_digest_is_the_documented_one(
    family: str, settings: str, tmp_path: Path
) -> None:
    folder = tiny_backbone_folder(tmp_path / "model", config=FAMILY_CONFIGS[family])
    text = f'{{"activation":"gelu","layer_norm_eps":1e-12,{settings}}}'

    expected = hashlib.sha256(text.encode()).hexdigest()

    assert read_backbone(folder).identity.config_digest == f"sha256:{expected}"


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
