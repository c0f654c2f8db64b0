"""Reading a backbone's config.json."""

import json
from collections.abc import Mapping

import pytest

from multitap_adapters.config import BackboneConfig, parse_config
from multitap_adapters.errors import UnsupportedBackbone
from tiny_backbone import FAMILY_CONFIGS, TinyConfig, tiny_weights


def _document(family: str = "bert", /, **changes: object) -> dict[str, object]:
    return {**FAMILY_CONFIGS[family].document(), **changes}


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


def test_the_fields_of_a_distilbert_have_other_names() -> None:
    config = parse_config(
        {
            "model_type": "distilbert",
            "dim": 48,
            "hidden_dim": 96,
            "n_layers": 3,
            "n_heads": 6,
            "activation": "relu",
            "max_position_embeddings": 20,
            "vocab_size": 11,
        }
    )

    assert config == BackboneConfig(
        family=config.family,
        hidden_size=48,
        intermediate_size=96,
        embedding_size=48,
        num_layers=3,
        num_heads=6,
        activation="relu",
        layer_norm_eps=1e-12,
        max_positions=20,
        num_types=0,
        vocab_size=11,
    )


@pytest.mark.parametrize(
    ("family", "changes", "offset", "most"),
    [
        ("bert", {}, 0, 66),
        ("bert", {"pad_token_id": 7}, 0, 66),
        ("electra", {"pad_token_id": 7}, 0, 66),
        ("distilbert", {"pad_token_id": 7}, 0, 66),
        ("roberta", {}, 2, 64),
        ("xlm-roberta", {}, 2, 64),
        ("camembert", {}, 2, 64),
        ("roberta", {"pad_token_id": 0}, 1, 65),
        ("roberta", {"pad_token_id": 7}, 8, 58),
    ],
)
def test_positions_follow_the_padding_token_in_the_families_of_roberta(
    family: str, changes: Mapping[str, object], offset: int, most: int
) -> None:
    config = parse_config(_document(family, max_position_embeddings=66, **changes))

    assert (config.position_offset, config.max_tokens) == (offset, most)
    assert config.digested()["position_offset"] == offset
    assert config.digested()["max_positions"] == 66


def test_a_roberta_s_padding_id_is_1_where_the_config_is_silent() -> None:
    document = _document("roberta")
    del document["pad_token_id"]

    assert parse_config(document).padding_id == 1


def test_missing_fields_have_the_defaults_of_transformers() -> None:
    document = _document()
    del document["hidden_act"], document["layer_norm_eps"]

    config = parse_config(document)

    assert (config.activation, config.layer_norm_eps) == ("gelu", 1e-12)


@pytest.mark.parametrize("family", FAMILY_CONFIGS)
def test_the_implied_tensors_are_a_model_s_without_its_pooler(family: str) -> None:
    expected = {
        name: tuple(tensor.shape)
        for name, tensor in tiny_weights(FAMILY_CONFIGS[family]).items()
        if not name.startswith("pooler.")
    }

    assert parse_config(_document(family)).tensor_shapes() == expected


def test_embeddings_as_wide_as_the_layers_are_not_projected() -> None:
    shapes = parse_config(_document("electra", embedding_size=32)).tensor_shapes()

    assert not [name for name in shapes if name.startswith("embeddings_project")]


@pytest.mark.parametrize("model_type", ["modernbert", "BERT", "", None, 3, ["bert"]])
def test_another_family_is_refused_with_the_list_of_supported_ones(model_type: object) -> None:
    supported = "bert, camembert, distilbert, electra, roberta, xlm-roberta$"
    with pytest.raises(
        UnsupportedBackbone, match=f"not supported; supported: {supported}"
    ) as caught:
        parse_config(_document(model_type=model_type))

    assert repr(model_type) in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
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
def test_sizes_and_settings_that_make_no_encoder_are_refused(
    changes: Mapping[str, object], message: str
) -> None:
    with pytest.raises(UnsupportedBackbone, match=message):
        parse_config(_document(**changes))


@pytest.mark.parametrize("family", FAMILY_CONFIGS)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("position_embedding_type", "relative_key"),
        ("position_embedding_type", "relative_key_query"),
        ("is_decoder", True),
        ("is_encoder_decoder", True),
        ("add_cross_attention", True),
        ("pruned_heads", {"0": [1]}),
    ],
)
def test_another_forward_pass_than_the_encoder_s_is_refused_in_every_family(
    family: str, field: str, value: object
) -> None:
    with pytest.raises(UnsupportedBackbone, match=f"^{field} .* is not supported$"):
        parse_config(_document(family, **{field: value}))


@pytest.mark.parametrize("family", FAMILY_CONFIGS)
def test_settings_that_ask_for_the_plain_forward_pass_are_accepted(family: str) -> None:
    plain: dict[str, object] = {
        "position_embedding_type": "absolute",
        "is_decoder": False,
        "is_encoder_decoder": False,
        "add_cross_attention": False,
        "pruned_heads": {},
    }

    assert parse_config(_document(family, **plain)) == parse_config(_document(family))


@pytest.mark.parametrize(
    ("family", "changes", "message"),
    [
        ("distilbert", {"dim": None}, "dim must be a positive integer, got None"),
        ("distilbert", {"hidden_dim": 0}, "hidden_dim must be a positive integer, got 0"),
        ("distilbert", {"n_layers": "6"}, "n_layers must be a positive integer, got '6'"),
        ("distilbert", {"n_heads": 5}, "dim 32 is no multiple of 5 heads"),
        ("distilbert", {"activation": "gelu_10"}, "activation 'gelu_10' is not supported"),
        (
            "electra",
            {"embedding_size": None},
            "embedding_size must be a positive integer, got None",
        ),
        ("roberta", {"pad_token_id": None}, "pad_token_id must be a token's id, got None"),
        ("roberta", {"pad_token_id": -1}, "pad_token_id must be a token's id, got -1"),
        ("roberta", {"pad_token_id": True}, "pad_token_id must be a token's id, got True"),
        (
            "camembert",
            {"pad_token_id": 65},
            "max_position_embeddings 66 leaves no position behind pad_token_id 65",
        ),
    ],
)
def test_a_refused_setting_has_the_name_that_it_has_in_its_family(
    family: str, changes: Mapping[str, object], message: str
) -> None:
    with pytest.raises(UnsupportedBackbone, match=message):
        parse_config(_document(family, **changes))


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
