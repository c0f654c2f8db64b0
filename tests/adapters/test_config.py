"""Reading a backbone's config.json."""

import json
from collections.abc import Mapping

import pytest

from multitap_adapters.config import BackboneConfig, parse_config
from multitap_adapters.errors import UnsupportedBackbone
from tiny_backbone import TinyConfig, tiny_weights


def _document(**changes: object) -> dict[str, object]:
    return {**TinyConfig().document(), **changes}


def test_the_fields_of_transformers_are_read() -> None:
    config = parse_config(_document(num_hidden_layers=3, layer_norm_eps=1e-5, hidden_act="swish"))

    assert config == BackboneConfig(
        family=config.family,
        hidden_size=32,
        intermediate_size=64,
        embedding_size=32,
        num_layers=3,
        num_heads=4,
        activation="silu",
        layer_norm_eps=1e-5,
        max_positions=64,
        num_types=2,
        vocab_size=TinyConfig().vocab_size,
    )
    assert config.family.model_type == "bert"


def test_missing_fields_have_the_defaults_of_transformers() -> None:
    document = _document()
    del document["hidden_act"], document["layer_norm_eps"]

    config = parse_config(document)

    assert (config.activation, config.layer_norm_eps) == ("gelu", 1e-12)


def test_the_implied_tensors_are_a_model_s_without_its_pooler() -> None:
    expected = {
        name: tuple(tensor.shape)
        for name, tensor in tiny_weights(TinyConfig()).items()
        if not name.startswith("pooler.")
    }

    assert parse_config(_document()).tensor_shapes() == expected


@pytest.mark.parametrize("model_type", ["modernbert", "BERT", "", None, 3, ["bert"]])
def test_another_family_is_refused_with_the_list_of_supported_ones(model_type: object) -> None:
    with pytest.raises(
        UnsupportedBackbone, match=r"not supported; supported: .*\bbert\b"
    ) as caught:
        parse_config(_document(model_type=model_type))

    assert repr(model_type) in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"position_embedding_type": "relative_key"}, "position_embedding_type 'relative_key'"),
        ({"is_decoder": True}, "is_decoder True"),
        ({"add_cross_attention": True}, "add_cross_attention True"),
        ({"hidden_act": "gelu_10"}, "hidden_act 'gelu_10'"),
        ({"hidden_act": None}, "hidden_act None"),
        ({"hidden_act": ["gelu"]}, r"hidden_act \['gelu'\]"),
        ({"num_attention_heads": 5}, "hidden_size 32 is no multiple of 5 heads"),
        ({"hidden_size": 0}, "hidden_size must be a positive integer, got 0"),
        ({"hidden_size": True}, "hidden_size must be a positive integer, got True"),
        ({"vocab_size": "99"}, "vocab_size must be a positive integer, got '99'"),
        ({"num_hidden_layers": 2.0}, "num_hidden_layers must be a positive integer, got 2.0"),
        ({"type_vocab_size": None}, "type_vocab_size must be a positive integer, got None"),
        ({"layer_norm_eps": "1e-12"}, "layer_norm_eps must be a number from 0 to 1, got '1e-12'"),
        ({"layer_norm_eps": -1e-12}, "layer_norm_eps must be a number from 0 to 1"),
        ({"layer_norm_eps": float("nan")}, "layer_norm_eps must be a number from 0 to 1, got nan"),
    ],
)
def test_what_the_encoder_cannot_run_is_refused(
    changes: Mapping[str, object], message: str
) -> None:
    with pytest.raises(UnsupportedBackbone, match=message):
        parse_config(_document(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"num_attention_heads": 8},
        {"layer_norm_eps": 1e-6},
        {"hidden_act": "relu"},
        {"max_position_embeddings": 32},
        {"type_vocab_size": 1},
    ],
)
def test_every_setting_of_the_forward_pass_is_digested(changes: Mapping[str, object]) -> None:
    assert parse_config(_document(**changes)).digested() != parse_config(_document()).digested()


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_dropout_prob": 0.5},
        {"initializer_range": 1.0},
        {"transformers_version": "1"},
        {"layer_norm_eps": json.loads("1E-12")},
    ],
)
def test_what_does_not_change_the_forward_pass_is_not_digested(
    changes: Mapping[str, object],
) -> None:
    assert parse_config(_document(**changes)).digested() == parse_config(_document()).digested()


def test_two_names_of_one_activation_are_digested_alike() -> None:
    first = parse_config(_document(hidden_act="gelu_new"))

    assert first.digested() == parse_config(_document(hidden_act="gelu_pytorch_tanh")).digested()
