"""Reading a model folder, and refusing one that is incomplete, broken or not ours to run."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from tokenizers.processors import TemplateProcessing

from model_folders import INDEX, WEIGHTS, Weights, change_config, change_weights, shard_weights
from multitap_adapters.backbone import read_backbone
from multitap_adapters.errors import UnsupportedBackbone
from tiny_backbone import TinyConfig, tiny_backbone_folder, tiny_tokenizer

_QUERY = "encoder.layer.0.attention.self.query.weight"


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the tiny backbone's folder, free to change."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_run_in_float32(folder: Path, dtype: torch.dtype) -> None:
    def halve(weights: Weights) -> None:
        weights.update({name: tensor.to(dtype) for name, tensor in weights.items()})

    change_weights(folder, halve)

    norms = [norm for _, norm in read_backbone(folder).encoder.norms()]
    assert {norm.weight_H.dtype for norm in norms} == {torch.float32}


def test_a_missing_tensor_is_named(folder: Path) -> None:
    def drop(weights: Weights) -> None:
        del weights[_QUERY], weights["encoder.layer.1.output.dense.bias"]

    change_weights(folder, drop)

    with pytest.raises(UnsupportedBackbone, match=f"lacks 2 tensors, '{_QUERY}' first"):
        read_backbone(folder)


def test_a_tensor_of_another_shape_than_the_config_s_is_named(folder: Path) -> None:
    change_config(folder, intermediate_size=65)

    with pytest.raises(UnsupportedBackbone, match=r"has shape \[64, 32\], expected \[65, 32\]"):
        read_backbone(folder)


def test_one_tensor_under_two_names_is_refused(folder: Path) -> None:
    change_weights(
        folder, lambda weights: weights.update({f"bert.{_QUERY}": weights[_QUERY].clone()})
    )

    with pytest.raises(UnsupportedBackbone, match=f"holds '{_QUERY}' twice"):
        read_backbone(folder)


@pytest.mark.parametrize("dtype", [torch.float64, torch.int8])
def test_a_dtype_that_is_no_weight_s_is_refused(folder: Path, dtype: torch.dtype) -> None:
    change_weights(folder, lambda weights: weights.update({_QUERY: weights[_QUERY].to(dtype)}))

    with pytest.raises(UnsupportedBackbone, match=f"'{_QUERY}' has dtype {dtype}"):
        read_backbone(folder)


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", WEIGHTS])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()

    with pytest.raises(UnsupportedBackbone, match=f"has no {file}"):
        read_backbone(folder)


def test_a_missing_shard_is_named(folder: Path) -> None:
    shard_weights(folder)
    (folder / "model-2.safetensors").unlink()

    with pytest.raises(UnsupportedBackbone, match=r"has no model-2\.safetensors"):
        read_backbone(folder)


@pytest.mark.parametrize("index", ["{}", '{"weight_map": []}'])
def test_an_index_without_a_weight_map_is_refused(folder: Path, index: str) -> None:
    (folder / WEIGHTS).unlink()
    (folder / INDEX).write_text(index)

    with pytest.raises(UnsupportedBackbone, match="has no weight_map"):
        read_backbone(folder)


def test_an_index_cannot_point_outside_the_folder(folder: Path, tmp_path: Path) -> None:
    shutil.move(folder / WEIGHTS, tmp_path / WEIGHTS)
    (folder / INDEX).write_text(json.dumps({"weight_map": {_QUERY: f"../{WEIGHTS}"}}))

    with pytest.raises(UnsupportedBackbone, match=f"has no {WEIGHTS}"):
        read_backbone(folder)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", b"{", "is no JSON"),
        ("config.json", b"\xff\xfe", "is no JSON"),
        ("config.json", b"[]", "holds no JSON object"),
        ("tokenizer.json", b"{", "cannot be used"),
        ("tokenizer.json", b"\xff\xfe", "cannot be used"),
        ("tokenizer.json", b"{}", "cannot be used"),
        (WEIGHTS, b"", "is no safetensors file"),
        (WEIGHTS, b"\x08\0\0\0\0\0\0\0{}", "is no safetensors file"),
        (INDEX, b"{", "is no JSON"),
    ],
)
def test_a_broken_file_is_named(folder: Path, file: str, content: bytes, message: str) -> None:
    if file == INDEX:
        (folder / WEIGHTS).unlink()
    (folder / file).write_bytes(content)

    with pytest.raises(UnsupportedBackbone, match=f"{file} {message}"):
        read_backbone(folder)


def test_a_tokenizer_with_more_ids_than_embeddings_is_refused(tmp_path: Path) -> None:
    ids = TinyConfig().vocab_size
    folder = tiny_backbone_folder(tmp_path / "model", config=TinyConfig(vocab_size=ids - 1))

    with pytest.raises(UnsupportedBackbone, match=f"{ids} ids and {ids - 1} embeddings"):
        read_backbone(folder)


def test_a_tokenizer_with_more_types_than_embeddings_is_refused(folder: Path) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS]:2 $A:0 [SEP]:0",
        pair="[CLS]:2 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    (folder / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")

    with pytest.raises(UnsupportedBackbone, match="3 types of tokens and 2 embeddings of types"):
        read_backbone(folder)


def test_a_tokenizer_s_types_do_not_matter_where_the_backbone_has_one(tmp_path: Path) -> None:
    config = TinyConfig(type_vocab_size=1)

    backbone = read_backbone(tiny_backbone_folder(tmp_path / "model", config=config))

    (row,) = backbone.tokenizer.tokenize([("a", "b")], max_tokens=9)
    assert max(row.type_ids) == 1
