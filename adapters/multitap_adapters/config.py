"""The settings of a backbone that its forward pass needs, read from its `config.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from .errors import UnsupportedBackbone
from .family import FAMILIES, Family
from .spec import Activation

# transformers' names (ACT2FN) for the activations that a feed-forward layer may have.
_ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {
        "gelu": "gelu",
        "gelu_new": "gelu_tanh",
        "gelu_pytorch_tanh": "gelu_tanh",
        "relu": "relu",
        "silu": "silu",
        "swish": "silu",
        "tanh": "tanh",
    }
)

# Settings of some model or release of transformers that would ask for another forward pass.
_PLAIN: Mapping[str, object] = MappingProxyType(
    {
        "position_embedding_type": "absolute",
        "is_decoder": False,
        "is_encoder_decoder": False,
        "add_cross_attention": False,
        "pruned_heads": {},
    }
)
# BertConfig's default, and what DistilBERT always has.
_EPSILON = 1e-12

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BackboneConfig:
    """One post-LN encoder's sizes and settings.

    `max_positions` are the rows of the table of positions, `num_types` those of the table of types,
    0 in a family without one. `padding_id` is None where padding has no part in the positions.
    """

    family: Family
    hidden_size: int
    intermediate_size: int
    embedding_size: int
    num_layers: int
    num_heads: int
    activation: Activation
    layer_norm_eps: float
    max_positions: int
    num_types: int
    vocab_size: int
    padding_id: int | None = None

    @property
    def position_offset(self) -> int:
        """The position of a row's first token."""
        return 0 if self.padding_id is None else self.padding_id + 1

    @property
    def max_tokens(self) -> int:
        """The tokens of the longest row that there are positions for."""
        return self.max_positions - self.position_offset

    def tensor_shapes(self) -> dict[str, Shape]:
        """Return the shape of every tensor that the encoder uses, by name without prefix."""
        family, inner = self.family, self.intermediate_size
        norm, square = (self.hidden_size,), (self.hidden_size, self.hidden_size)
        shapes: dict[str, Shape] = {
            family.word_embeddings: (self.vocab_size, self.embedding_size),
            family.position_embeddings: (self.max_positions, self.embedding_size),
            **_pair(family.embedding_norm, (self.embedding_size,)),
        }
        if self.num_types:
            shapes[family.type_embeddings] = (self.num_types, self.embedding_size)
        if self.embedding_size != self.hidden_size:
            shapes |= _pair(family.embedding_projection, (self.hidden_size, self.embedding_size))
        for index in range(self.num_layers):
            names = family.layer_names(index)
            for part in (names.query, names.key, names.value, names.attention_output):
                shapes |= _pair(part, square)
            shapes |= _pair(names.ffn_up, (inner, self.hidden_size))
            shapes |= _pair(names.ffn_down, (self.hidden_size, inner))
            shapes |= _pair(names.attention_norm, norm) | _pair(names.ffn_norm, norm)
        return shapes

    def digested(self) -> dict[str, str | int | float]:
        """Return the fields that change the forward pass, for the `config_digest`."""
        return {
            "activation": self.activation,
            "layer_norm_eps": self.layer_norm_eps,
            "max_positions": self.max_positions,
            "num_heads": self.num_heads,
            "num_types": self.num_types,
            "position_offset": self.position_offset,
        }


def parse_config(document: Mapping[str, object]) -> BackboneConfig:
    """Read a `transformers` configuration; raise UnsupportedBackbone where we cannot run it."""
    family = FAMILIES.get(str(document.get("model_type")))
    if family is None:
        raise UnsupportedBackbone(
            f"model_type {document.get('model_type')!r} is not supported; "
            f"supported: {', '.join(sorted(FAMILIES))}"
        )
    for setting, expected in _PLAIN.items():
        _require(document, setting, expected)
    fields = family.fields
    hidden_size = _size(document, fields.hidden_size)
    num_heads = _size(document, fields.num_heads)
    if hidden_size % num_heads:
        raise UnsupportedBackbone(
            f"{fields.hidden_size} {hidden_size} is no multiple of {num_heads} heads"
        )
    config = BackboneConfig(
        family=family,
        hidden_size=hidden_size,
        intermediate_size=_size(document, fields.intermediate_size),
        embedding_size=_size(document, fields.embedding_size or fields.hidden_size),
        num_layers=_size(document, fields.num_layers),
        num_heads=num_heads,
        activation=_activation(document, fields.activation),
        layer_norm_eps=_epsilon(document, fields.layer_norm_eps),
        max_positions=_size(document, "max_position_embeddings"),
        num_types=0 if fields.num_types is None else _size(document, fields.num_types),
        vocab_size=_size(document, "vocab_size"),
        padding_id=_padding_id(document) if family.positions_follow_padding else None,
    )
    if config.max_tokens < 1:
        raise UnsupportedBackbone(
            f"max_position_embeddings {config.max_positions} leaves no position behind "
            f"pad_token_id {config.padding_id}"
        )
    return config


def _size(document: Mapping[str, object], field: str) -> int:
    value = document.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UnsupportedBackbone(f"{field} must be a positive integer, got {value!r}")
    return value


def _activation(document: Mapping[str, object], field: str) -> Activation:
    activation = _ACTIVATIONS.get(str(document.get(field, "gelu")))
    if activation is None:
        raise UnsupportedBackbone(f"{field} {document[field]!r} is not supported")
    return activation


def _epsilon(document: Mapping[str, object], field: str | None) -> float:
    if field is None:
        return _EPSILON
    value = document.get(field, _EPSILON)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise UnsupportedBackbone(f"{field} must be a number from 0 to 1, got {value!r}")
    return float(value)


def _padding_id(document: Mapping[str, object]) -> int:
    value = document.get("pad_token_id", 1)  # RobertaConfig's default
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UnsupportedBackbone(f"pad_token_id must be a token's id, got {value!r}")
    return value


def _require(document: Mapping[str, object], field: str, expected: object) -> None:
    if document.get(field, expected) != expected:
        raise UnsupportedBackbone(f"{field} {document[field]!r} is not supported")


def _pair(part: str, weight: Shape) -> dict[str, Shape]:
    """Return a part's weight and its bias, which has one value for each of the weight's rows."""
    return {f"{part}.weight": weight, f"{part}.bias": weight[:1]}
