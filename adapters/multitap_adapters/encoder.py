"""A packed post-LN transformer encoder with taps where adapters change it.

Shape suffixes: T tokens of all rows and the filler behind them, E size of the embeddings, which is
H in most families, H hidden size. One layer computes
`x = merge(x, attention(x))` and `x = merge(x, ffn(x))`; without adapters a merge is `LN(x + h)`
(Vaswani et al. 2017, section 3.1; the order of BERT), and a projection is `W x + b`. The same
encoder serves and trains: only the kind of its linear layers differs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from .attention import attend
from .config import BackboneConfig
from .linear import FrozenLinear, Linear, LinearFactory
from .packing import PackedRows
from .positions import position_ids
from .projection import ProjectionTap, ProjectionTaps, TappedLinear
from .spec import Projection, Site

# Where an adapter's embed or merge may differ from the backbone's.
Place: TypeAlias = Literal["embeddings"] | tuple[int, Site]


@dataclass(frozen=True, slots=True, eq=False)
class Norm:
    """A layer norm."""

    weight_H: Tensor
    bias_H: Tensor
    eps: float

    def __call__(self, x_TH: Tensor) -> Tensor:
        """Return `[T, H]`."""
        return F.layer_norm(x_TH, self.weight_H.shape, self.weight_H, self.bias_H, self.eps)


class Taps(ProjectionTaps, Protocol):
    """The places where an adapter, or a mix of them, changes a forward pass."""

    def embed(self, x_TH: Tensor, norm: Norm) -> Tensor:
        """Return the embeddings' output, given their sum and the backbone's norm, both of size E.

        A backbone whose embeddings have a size of their own projects the output to H.
        """
        ...

    def merge(self, layer: int, site: Site, x_TH: Tensor, h_TH: Tensor, norm: Norm) -> Tensor:
        """Return a sub-layer's output, given the residual x, the sub-layer's h and its norm."""
        ...

    def changes(self, place: Place) -> bool:
        """Return whether `embed`, or `merge` at a layer's site, may differ from BareTaps'."""
        ...


class BareTaps:
    """The backbone as it is."""

    def embed(self, x_TH: Tensor, norm: Norm) -> Tensor:
        """Return `LN(x)`."""
        return norm(x_TH)

    def merge(self, layer: int, site: Site, x_TH: Tensor, h_TH: Tensor, norm: Norm) -> Tensor:  # noqa: ARG002  (Taps)
        """Return `LN(x + h)`."""
        return norm(x_TH + h_TH)

    def projection(self, layer: int, projection: Projection) -> ProjectionTap | None:  # noqa: ARG002  (Taps)
        """Return None: every projection is the backbone's."""
        return None

    def changes(self, place: Place) -> bool:  # noqa: ARG002  (Taps)
        """Return False."""
        return False


@dataclass(frozen=True, slots=True, eq=False)
class EncoderLayer:
    """One layer's weights, query, key and value in one product."""

    query_key_value: TappedLinear
    attention_output: TappedLinear
    attention_norm: Norm
    ffn_up: TappedLinear
    ffn_down: TappedLinear
    ffn_norm: Norm


class Encoder:
    """A frozen backbone, ready to run."""

    def __init__(
        self,
        config: BackboneConfig,
        weights: Mapping[str, Tensor],
        linear: LinearFactory = FrozenLinear,
    ) -> None:
        """Build from weights under their names without prefix; `linear` makes the layers."""
        family = config.family
        self.config = config
        self._words = weights[family.word_embeddings]
        self._positions = weights[family.position_embeddings]
        self._types = weights[family.type_embeddings] if config.num_types else None
        self._embedding_norm = _norm(config, weights, family.embedding_norm)
        self._embedding_projection = (
            None
            if config.embedding_size == config.hidden_size
            else _linear(weights, family.embedding_projection, linear)
        )
        self._layers = [
            _layer(config, weights, index, linear) for index in range(config.num_layers)
        ]

    def norms(self) -> Iterator[tuple[str, Norm]]:
        """Yield the backbone's layer norms with their places in the grammar of adapter files."""
        yield "embeddings", self._embedding_norm
        for index, layer in enumerate(self._layers):
            yield f"layers.{index}.attention", layer.attention_norm
            yield f"layers.{index}.ffn", layer.ffn_norm

    def biases(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the projections' biases with their places in the grammar of adapter files."""
        for index, layer in enumerate(self._layers):
            attention = layer.query_key_value, layer.attention_output
            for product in (*attention, layer.ffn_up, layer.ffn_down):
                for projection, bias_O in product.biases():
                    yield f"layers.{index}.{projection}", bias_O

    def forward(self, rows: PackedRows, taps: Taps) -> Tensor:
        """Return the last hidden states `[tokens, H]` of the rows, in their packed order."""
        x_TH = taps.embed(self._embeddings(rows), self._embedding_norm)
        if self._embedding_projection is not None:
            x_TH = self._embedding_projection(x_TH)
        for index, layer in enumerate(self._layers):
            qkv_T3H = layer.query_key_value(x_TH, taps)
            context_TH = attend(qkv_T3H, rows, self.config.num_heads)
            h_TH = layer.attention_output(context_TH, taps)
            x_TH = taps.merge(index, "attention", x_TH, h_TH, layer.attention_norm)
            h_TH = layer.ffn_down(layer.ffn_up(x_TH, taps, self.config.activation), taps)
            x_TH = taps.merge(index, "ffn", x_TH, h_TH, layer.ffn_norm)
        return x_TH[: rows.tokens]

    def _embeddings(self, rows: PackedRows) -> Tensor:
        """Return the sum of the embeddings, `[T, E]`.

        Where the backbone knows one type or none, it is every token's, whatever the tokenizer says.
        """
        x_TE = F.embedding(rows.token_ids_T, self._words)
        if self._types is not None:
            one = len(self._types) == 1
            x_TE = x_TE + (self._types if one else F.embedding(rows.type_ids_T, self._types))
        position_ids_T = position_ids(rows, self.config.padding_id)
        return x_TE + F.embedding(position_ids_T, self._positions)


def _layer(
    config: BackboneConfig, weights: Mapping[str, Tensor], index: int, linear: LinearFactory
) -> EncoderLayer:
    names = config.family.layer_names(index)

    def tapped(parts: Mapping[Projection, str]) -> TappedLinear:
        """Return one product of these projections, each given with its part's name."""
        weight_OI = _joined([weights[f"{name}.weight"] for name in parts.values()])
        bias_O = _joined([weights[f"{name}.bias"] for name in parts.values()])
        return TappedLinear(linear(weight_OI, bias_O), bias_O, index, tuple(parts))

    return EncoderLayer(
        query_key_value=tapped({"query": names.query, "key": names.key, "value": names.value}),
        attention_output=tapped({"attention_output": names.attention_output}),
        attention_norm=_norm(config, weights, names.attention_norm),
        ffn_up=tapped({"ffn_up": names.ffn_up}),
        ffn_down=tapped({"ffn_down": names.ffn_down}),
        ffn_norm=_norm(config, weights, names.ffn_norm),
    )


def _joined(tensors: Sequence[Tensor]) -> Tensor:
    return tensors[0] if len(tensors) == 1 else torch.cat(list(tensors))


def _norm(config: BackboneConfig, weights: Mapping[str, Tensor], name: str) -> Norm:
    return Norm(weights[f"{name}.weight"], weights[f"{name}.bias"], config.layer_norm_eps)


def _linear(weights: Mapping[str, Tensor], name: str, linear: LinearFactory) -> Linear:
    return linear(weights[f"{name}.weight"], weights[f"{name}.bias"])
