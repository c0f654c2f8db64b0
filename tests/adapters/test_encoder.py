"""The encoder against `transformers`, on tiny random models and on the embedded backbone."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from multitap_adapters.backbone import Backbone, read_backbone
from multitap_adapters.embedded import embedded_folder
from multitap_adapters.encoder import BareTaps
from multitap_adapters.linear import GradientLinear
from multitap_adapters.packing import pack_rows
from multitap_adapters.tokenizer import TokenizedRow
from random_rows import random_rows
from reference_model import reference_model, states_alone, states_padded
from tiny_backbone import TinyConfig, tiny_backbone_folder

_CONFIGS = {
    "default": TinyConfig(),
    "one_head": TinyConfig(num_attention_heads=1),
    "many_heads": TinyConfig(num_attention_heads=16, num_hidden_layers=1),
    "three_layers": TinyConfig(num_hidden_layers=3, hidden_size=48, num_attention_heads=3),
    "wide_ffn": TinyConfig(intermediate_size=200),
    "gelu_new": TinyConfig(hidden_act="gelu_new"),
    "gelu_pytorch_tanh": TinyConfig(hidden_act="gelu_pytorch_tanh"),
    "relu": TinyConfig(hidden_act="relu"),
    "silu": TinyConfig(hidden_act="silu"),
    "swish": TinyConfig(hidden_act="swish"),
    "tanh": TinyConfig(hidden_act="tanh"),
    "one_type": TinyConfig(type_vocab_size=1),
    "large_epsilon": TinyConfig(layer_norm_eps=0.5),
}


def _states(backbone: Backbone, rows: list[TokenizedRow]) -> list[Tensor]:
    packed = pack_rows([row.token_ids for row in rows], [row.type_ids for row in rows])
    with torch.inference_mode():
        hidden_TH = backbone.encoder.forward(packed, BareTaps())
    return list(torch.split(hidden_TH, list(packed.lengths)))


@pytest.mark.parametrize("name", _CONFIGS)
def test_hidden_states_equal_those_of_transformers(name: str, tmp_path: Path) -> None:
    config = _CONFIGS[name]
    folder = tiny_backbone_folder(tmp_path / "model", seed=len(name), config=config)
    lengths = [7, 1, config.max_position_embeddings, 7, 2, 20]
    rows = random_rows(lengths, ids=config.vocab_size, types=config.type_vocab_size)
    model = reference_model(folder)

    states = _states(read_backbone(folder), rows)

    assert_close(states, states_alone(model, rows), rtol=1e-5, atol=1e-5)
    assert_close(states, states_padded(model, rows), rtol=1e-5, atol=1e-5)


def test_the_embedded_backbone_equals_transformers_on_texts_and_pairs() -> None:
    folder = embedded_folder()
    backbone = read_backbone(folder)
    texts: list[str | tuple[str, str]] = [
        "",
        "A joy from start to finish.",
        ("Is it good?", "Yes."),
    ]
    short = backbone.tokenizer.tokenize(texts, max_tokens=64)
    longest = random_rows([backbone.config.max_tokens], ids=backbone.config.vocab_size, types=2)
    rows = [*short, TokenizedRow([2026], [1], 1), *longest]
    model = reference_model(folder)

    states = _states(backbone, rows)

    assert_close(states, states_alone(model, rows), rtol=1e-5, atol=1e-5)
    assert_close(states[: len(short)], states_padded(model, short), rtol=1e-5, atol=1e-5)


def test_a_row_s_states_do_not_depend_on_its_neighbours(tiny_backbone: Backbone) -> None:
    rows = random_rows([9, 1, 30, 9, 64, 3], ids=tiny_backbone.config.vocab_size, types=2)

    together = _states(tiny_backbone, rows)

    alone = [_states(tiny_backbone, [row])[0] for row in rows]
    assert_close(together, alone, rtol=1e-5, atol=1e-5)


def test_the_training_encoder_computes_what_the_serving_encoder_does(
    tiny_folder: Path, tiny_backbone: Backbone
) -> None:
    rows = random_rows([9, 2, 9], ids=tiny_backbone.config.vocab_size, types=2)

    states = _states(read_backbone(tiny_folder, linear=GradientLinear), rows)

    assert_close(states, _states(tiny_backbone, rows), rtol=1e-6, atol=1e-6)


def test_the_layer_norms_are_named_by_their_places(tiny_backbone: Backbone) -> None:
    places = [place for place, _ in tiny_backbone.encoder.norms()]

    assert places == [
        "embeddings",
        "layers.0.attention",
        "layers.0.ffn",
        "layers.1.attention",
        "layers.1.ffn",
    ]


def test_a_row_longer_than_the_positions_is_an_error(tiny_backbone: Backbone) -> None:
    row = random_rows([65], ids=10, types=2)

    with pytest.raises(IndexError):
        _states(tiny_backbone, row)
