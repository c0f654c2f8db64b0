"""The supported families: where each keeps its weights, and its few real differences.

Names are those of `transformers`' base models, without the base model's prefix.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class LayerNames:
    """One encoder layer's parts, each with a weight and a bias."""

    query: str
    key: str
    value: str
    attention_output: str
    attention_norm: str
    ffn_up: str
    ffn_down: str
    ffn_norm: str

    def parts(self) -> tuple[str, ...]:
        """Return every part's name, in the order of the fields."""
        return (
            self.query,
            self.key,
            self.value,
            self.attention_output,
            self.attention_norm,
            self.ffn_up,
            self.ffn_down,
            self.ffn_norm,
        )


@dataclass(frozen=True, slots=True)
class Family:
    """One family of post-LN encoders; `layer_prefix` takes a layer's index."""

    model_type: str
    prefix: str
    word_embeddings: str
    position_embeddings: str
    type_embeddings: str
    embedding_norm: str
    layer_prefix: str
    layer: LayerNames
    position_offset: int = 0

    def layer_names(self, index: int) -> LayerNames:
        """Return the full names of one layer's parts."""
        prefix = self.layer_prefix.format(index)
        return LayerNames(*(prefix + part for part in self.layer.parts()))


_BERT = Family(
    model_type="bert",
    prefix="bert.",
    word_embeddings="embeddings.word_embeddings.weight",
    position_embeddings="embeddings.position_embeddings.weight",
    type_embeddings="embeddings.token_type_embeddings.weight",
    embedding_norm="embeddings.LayerNorm",
    layer_prefix="encoder.layer.{}.",
    layer=LayerNames(
        query="attention.self.query",
        key="attention.self.key",
        value="attention.self.value",
        attention_output="attention.output.dense",
        attention_norm="attention.output.LayerNorm",
        ffn_up="intermediate.dense",
        ffn_down="output.dense",
        ffn_norm="output.LayerNorm",
    ),
)

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {family.model_type: family for family in (_BERT,)}
)
