"""Every family against `transformers`, on tiny random models."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from byte_level import byte_level_tokenizer
from mixed_batches import run_mix
from multitap_adapters.backbone import Backbone, read_backbone
from multitap_adapters.encoder import BareTaps
from multitap_adapters.family import FAMILIES
from multitap_adapters.tokenizer import TokenizedRow
from random_rows import random_rows
from reference_model import reference_model, states_alone, states_padded
from tiny_backbone import FAMILY_CONFIGS, TinyConfig, tiny_backbone_folder

_ROBERTA, _ELECTRA = FAMILY_CONFIGS["roberta"], FAMILY_CONFIGS["electra"]
_DISTILBERT = FAMILY_CONFIGS["distilbert"]
_CONFIGS = {
    **FAMILY_CONFIGS,
    "roberta_several_types": replace(_ROBERTA, type_vocab_size=3, num_hidden_layers=1),
    "roberta_padding_first": replace(_ROBERTA, pad_token_id=0, hidden_act="gelu_new"),
    "roberta_padding_late": replace(_ROBERTA, pad_token_id=9, num_hidden_layers=3),
    "xlm_roberta_relu": replace(FAMILY_CONFIGS["xlm-roberta"], hidden_act="relu"),
    "camembert_one_layer": replace(FAMILY_CONFIGS["camembert"], num_hidden_layers=1),
    "electra_equal_sizes": replace(_ELECTRA, embedding_size=32, hidden_act="silu"),
    "electra_wide_embeddings": replace(_ELECTRA, embedding_size=48, num_hidden_layers=3),
    "electra_one_type": replace(_ELECTRA, type_vocab_size=1, layer_norm_eps=0.1),
    "distilbert_relu": replace(_DISTILBERT, hidden_act="relu", num_hidden_layers=1),
    "distilbert_three_layers": replace(_DISTILBERT, num_hidden_layers=3, num_attention_heads=8),
}


def _states(backbone: Backbone, rows: list[TokenizedRow]) -> list[torch.Tensor]:
    return run_mix(backbone.encoder, [(BareTaps(), rows)])[0]


def test_the_configs_cover_every_family() -> None:
    assert FAMILY_CONFIGS.keys() == FAMILIES.keys()


@pytest.mark.parametrize("name", _CONFIGS)
def test_hidden_states_equal_those_of_transformers(name: str, tmp_path: Path) -> None:
    config = _CONFIGS[name]
    folder = tiny_backbone_folder(tmp_path / "model", seed=len(name), config=config)
    backbone, model = read_backbone(folder), reference_model(folder)
    lengths = [7, 1, backbone.config.max_tokens, 7, 2, 20]
    rows = random_rows(lengths, ids=config.vocab_size, types=config.type_vocab_size)

    states = _states(backbone, rows)

    assert_close(states, states_alone(model, rows), rtol=1e-5, atol=1e-5)
    assert_close(states, states_padded(model, rows), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", _CONFIGS)
def test_texts_and_pairs_equal_those_of_transformers(name: str, tmp_path: Path) -> None:
    # The tokenizer says type 1 for second texts, which not every model knows.
    folder = tiny_backbone_folder(tmp_path / "model", config=_CONFIGS[name])
    backbone, model = read_backbone(folder), reference_model(folder)
    texts: list[str | tuple[str, str]] = [
        "",
        "a very good film",
        ("is it good?", "yes"),
        ("a", "who won the money, and when?"),
    ]
    rows = backbone.tokenizer.tokenize(texts, max_tokens=64)
    assert max(rows[2].type_ids) == 1

    states = _states(backbone, rows)

    assert_close(states, states_padded(model, rows), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("padding_id", [0, 1, 9])
@pytest.mark.parametrize("family", ["roberta", "xlm-roberta", "camembert"])
def test_padding_tokens_in_a_text_get_the_positions_of_transformers(
    family: str, padding_id: int, tmp_path: Path
) -> None:
    config = replace(FAMILY_CONFIGS[family], pad_token_id=padding_id)
    folder = tiny_backbone_folder(tmp_path / "model", config=config)
    p = padding_id
    token_ids = [[5, p, 6, p, p, 7], [p], [p, 8], [8, p], [5, 6, 7], [p, p, 5] * 4]
    rows = [TokenizedRow(ids, [0] * len(ids), len(ids)) for ids in token_ids]
    model = reference_model(folder)

    states = _states(read_backbone(folder), rows)

    assert_close(states, states_alone(model, rows), rtol=1e-5, atol=1e-5)
    assert_close(states, states_padded(model, rows), rtol=1e-5, atol=1e-5)


def test_a_text_can_spell_the_padding_token(tmp_path: Path) -> None:
    config = replace(_ROBERTA, vocab_size=320)
    folder = tiny_backbone_folder(tmp_path / "model", config=config)
    (folder / "tokenizer.json").write_text(byte_level_tokenizer().to_str(), encoding="utf-8")
    backbone = read_backbone(folder)
    texts: list[str | tuple[str, str]] = [
        "a <pad><pad> film",
        "<pad>",
        ("the end<pad>", "<pad> of it"),
    ]
    rows = backbone.tokenizer.tokenize(texts, max_tokens=64)
    assert all(config.pad_token_id in row.token_ids for row in rows)

    states = _states(backbone, rows)

    assert_close(states, states_padded(reference_model(folder), rows), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", FAMILY_CONFIGS)
def test_the_longest_row_has_as_many_tokens_as_there_are_positions_left(
    family: str, tmp_path: Path
) -> None:
    folder = tiny_backbone_folder(tmp_path / "model", config=FAMILY_CONFIGS[family])
    backbone = read_backbone(folder)
    assert backbone.config.max_tokens == 64
    too_long = TokenizedRow([5] * 65, [0] * 65, 65)

    with pytest.raises(IndexError):
        _states(backbone, [too_long])


def test_a_table_of_sinusoidal_positions_is_read_like_any_other(tmp_path: Path) -> None:
    # Such a DistilBERT keeps its table in the file.
    folder = tiny_backbone_folder(tmp_path / "model", config=_DISTILBERT)
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace("{", '{"sinusoidal_pos_embds": true, ', 1))
    rows = random_rows([5, 64], ids=_DISTILBERT.vocab_size, types=1)

    states = _states(read_backbone(folder), rows)

    assert_close(states, states_alone(reference_model(folder), rows), rtol=1e-5, atol=1e-5)


def test_the_epsilon_of_a_distilbert_is_fixed(tmp_path: Path) -> None:
    folder = tiny_backbone_folder(tmp_path / "model", config=_DISTILBERT)
    before = read_backbone(folder)
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace("{", '{"layer_norm_eps": 0.5, ', 1))

    after = read_backbone(folder)

    assert after.config.layer_norm_eps == 1e-12
    assert after.identity == before.identity
    rows = random_rows([5], ids=_DISTILBERT.vocab_size, types=1)
    states = states_alone(reference_model(folder), rows)
    assert_close(_states(after, rows), states, rtol=1e-5, atol=1e-5)


def test_type_ids_do_not_matter_to_a_backbone_with_one_type(tmp_path: Path) -> None:
    config = TinyConfig(type_vocab_size=1)
    backbone = read_backbone(tiny_backbone_folder(tmp_path / "model", config=config))
    token_ids = [5, 9, 3, 7]

    ones = _states(backbone, [TokenizedRow(token_ids, [0, 0, 1, 1], 4)])

    assert_close(ones, _states(backbone, [TokenizedRow(token_ids, [0] * 4, 4)]), rtol=0, atol=0)
