"""The supported families: where each keeps its weights and settings, and its few real differences.

Names are those of `transformers` 5: of its base models' tensors, without the base model's prefix,
and of its configurations' fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
class ConfigFields:
    """What a family's config.json calls the settings of the forward pass; None: it has no such."""

    hidden_size: str = "hidden_size"
    intermediate_size: str = "intermediate_size"
    num_layers: str = "num_hidden_layers"
    num_heads: str = "num_attention_heads"
    activation: str = "hidden_act"
    embedding_size: str | None = None
    layer_norm_eps: str | None = "layer_norm_eps"
    num_types: str | None = "type_vocab_size"


@dataclass(frozen=True, slots=True)
class Family:
    """One family of post-LN encoders; `layer_prefix` takes a layer's index.

    Where `positions_follow_padding`, the first position is the one behind the padding token's id,
    and a token of that id has it as its position. `embedding_projection` is there where embeddings
    and hidden states differ in size.
    """

    model_type: str
    prefix: str
    layer_prefix: str
    layer: LayerNames
    fields: ConfigFields = ConfigFields()
    word_embeddings: str = "embeddings.word_embeddings.weight"
    position_embeddings: str = "embeddings.position_embeddings.weight"
    type_embeddings: str = "embeddings.token_type_embeddings.weight"
    embedding_norm: str = "embeddings.LayerNorm"
    embedding_projection: str = "embeddings_project"
    positions_follow_padding: bool = False

    def layer_names(self, index: int) -> LayerNames:
        """Return the full names of one layer's parts."""
        prefix = self.layer_prefix.format(index)
        return LayerNames(*(prefix + part for part in self.layer.parts()))


_BERT_LAYER = LayerNames(
    query="attention.self.query",
    key="attention.self.key",
    value="attention.self.value",
    attention_output="attention.output.dense",
    attention_norm="attention.output.LayerNorm",
    ffn_up="intermediate.dense",
    ffn_down="output.dense",
    ffn_norm="output.LayerNorm",
)
_BERT = Family("bert", prefix="bert.", layer_prefix="encoder.layer.{}.", layer=_BERT_LAYER)
_ROBERTA = replace(_BERT, model_type="roberta", prefix="roberta.", positions_follow_padding=True)
_DISTILBERT = Family(
    model_type="distilbert",
    prefix="distilbert.",
    layer_prefix="transformer.layer.{}.",
    layer=LayerNames(
        query="attention.q_lin",
        key="attention.k_lin",
        value="attention.v_lin",
        attention_output="attention.out_lin",
        attention_norm="sa_layer_norm",
        ffn_up="ffn.lin1",
        ffn_down="ffn.lin2",
        ffn_norm="output_layer_norm",
    ),
    fields=ConfigFields(
        hidden_size="dim",
        intermediate_size="hidden_dim",
        num_layers="n_layers",
        num_heads="n_heads",
        activation="activation",
        layer_norm_eps=None,
        num_types=None,
    ),
)

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.model_type: family
        for family in (
            _BERT,
            _ROBERTA,
            # The tensors of these two are named after RoBERTa as well.
            replace(_ROBERTA, model_type="xlm-roberta"),
            replace(_ROBERTA, model_type="camembert"),
            replace(
                _BERT,
                model_type="electra",
                prefix="electra.",
                fields=ConfigFields(embedding_size="embedding_size"),
            ),
            _DISTILBERT,
        )
    }
)
