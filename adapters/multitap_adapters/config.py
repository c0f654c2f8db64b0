"""The settings of a backbone that its forward pass needs, read from its `config.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import UnsupportedBackbone
from .family import FAMILIES, Family
from .spec import Activation

# transformers' names (ACT2FN) for the activations that a feed-forward layer may have.
_ACTIVATIONS: Mapping[str, Activation] = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "tanh": "tanh",
}


@dataclass(frozen=True, slots=True)
class BackboneConfig:
    """One post-LN encoder's sizes and settings."""

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

    @property
    def head_size(self) -> int:
        """The size of one attention head."""
        return self.hidden_size // self.num_heads

    def digested(self) -> dict[str, str | int | float]:
        """Return the fields that change the forward pass, for the `config_digest`."""
        return {
            "activation": self.activation,
            "layer_norm_eps": self.layer_norm_eps,
            "max_positions": self.max_positions,
            "num_heads": self.num_heads,
            "num_types": self.num_types,
            "position_offset": self.family.position_offset,
        }


def parse_config(document: Mapping[str, Any]) -> BackboneConfig:
    """Read a `transformers` configuration; raise UnsupportedBackbone where we cannot run it."""
    model_type = document.get("model_type")
    if model_type not in FAMILIES:
        raise UnsupportedBackbone(
            f"model_type {model_type!r} is not supported; supported: {', '.join(sorted(FAMILIES))}"
        )
    _require(document, "position_embedding_type", "absolute")
    _require(document, "is_decoder", expected=False)
    _require(document, "add_cross_attention", expected=False)
    activation = document.get("hidden_act", "gelu")
    if activation not in _ACTIVATIONS:
        raise UnsupportedBackbone(f"hidden_act {activation!r} is not supported")
    hidden_size = _size(document, "hidden_size")
    num_heads = _size(document, "num_attention_heads")
    if hidden_size % num_heads:
        raise UnsupportedBackbone(f"hidden_size {hidden_size} is no multiple of {num_heads} heads")
    return BackboneConfig(
        family=FAMILIES[model_type],
        hidden_size=hidden_size,
        intermediate_size=_size(document, "intermediate_size"),
        embedding_size=hidden_size,
        num_layers=_size(document, "num_hidden_layers"),
        num_heads=num_heads,
        activation=_ACTIVATIONS[activation],
        layer_norm_eps=float(document.get("layer_norm_eps", 1e-12)),
        max_positions=_size(document, "max_position_embeddings"),
        num_types=_size(document, "type_vocab_size"),
        vocab_size=_size(document, "vocab_size"),
    )


def _size(document: Mapping[str, Any], field: str) -> int:
    value = document.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UnsupportedBackbone(f"{field} must be a positive integer, got {value!r}")
    return value


def _require(document: Mapping[str, Any], field: str, expected: object) -> None:
    if document.get(field, expected) != expected:
        raise UnsupportedBackbone(f"{field} {document[field]!r} is not supported")
