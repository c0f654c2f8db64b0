"""What an import knows of a backbone."""

from pathlib import Path

import pytest
from torch.testing import assert_close

from model_folders import change_weights
from multitap_adapters.backbone import read_backbone
from multitap_adapters.errors import UnsupportedBackbone
from multitap_adapters.importing.errors import FolderRefused
from multitap_adapters.importing.target import read_target
from safetensors_files import load_tensors
from tiny_backbone import TinyConfig, tiny_backbone_folder


def test_the_identity_is_the_one_that_a_server_computes(tiny_folder: Path) -> None:
    assert read_target(tiny_folder).identity == read_backbone(tiny_folder).identity


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_the_pooler_is_the_backbones(tmp_path: Path, prefix: str) -> None:
    folder = tiny_backbone_folder(tmp_path / "a", prefix=prefix)

    weight, bias = read_target(folder).read_pooler()

    stored = load_tensors(folder / "model.safetensors")
    assert_close(weight, stored[f"{prefix}pooler.dense.weight"])
    assert_close(bias, stored[f"{prefix}pooler.dense.bias"])


def test_a_backbone_without_pooler_is_told_when_one_is_needed(tmp_path: Path) -> None:
    folder = tiny_backbone_folder(tmp_path / "a")
    change_weights(folder, lambda weights: weights.pop("pooler.dense.bias"))
    target = read_target(folder)

    with pytest.raises(FolderRefused, match=r"needs the backbone's pooler, and .* lacks 1 tensors"):
        target.read_pooler()


@pytest.mark.parametrize(("positions", "tokens"), [(64, 64), (600, 512)])
def test_the_longest_input_is_the_backbones_and_512_at_most(
    tmp_path: Path, positions: int, tokens: int
) -> None:
    config = TinyConfig(max_position_embeddings=positions)

    assert read_target(tiny_backbone_folder(tmp_path / "a", config=config)).max_tokens == tokens


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedBackbone, match=r"has no config\.json"):
        read_target(tmp_path)
