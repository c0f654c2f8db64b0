"""A whole encoder computed plainly, one row at a time, through the changed weights of an adapter.

Written without the code under test: no packing, no mixing, one product for each projection, softmax
written out. torch differentiates it by itself, so it is the reference for gradients too.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from multitap_adapters.activation import ACTIVATIONS
from multitap_adapters.config import BackboneConfig
from multitap_adapters.spec import AdapterSpec, Projection
from plain_adapters import PlainNorm, plain_embed, plain_merge, plain_projection


class PlainModel:
    """A BERT backbone with one adapter."""

    def __init__(
        self,
        config: BackboneConfig,
        weights: Mapping[str, Tensor],
        spec: AdapterSpec,
        tensors: Mapping[str, Tensor],
    ) -> None:
        """Take a backbone's weights, and an adapter's tensors under the names of its file."""
        self._config = config
        self._weights = weights
        self._spec = spec
        self._tensors = tensors

    def hidden(self, token_ids: Sequence[int], type_ids: Sequence[int]) -> Tensor:
        """Return one row's last hidden states `[T, H]`."""
        family, weights = self._config.family, self._weights
        x_TH = torch.stack(
            [
                weights[family.word_embeddings][token]
                + weights["embeddings.token_type_embeddings.weight"][kind]
                + weights[family.position_embeddings][position]
                for position, (token, kind) in enumerate(zip(token_ids, type_ids, strict=True))
            ]
        )
        x_TH = plain_embed(self._spec, self._tensors, x_TH, self._norm(family.embedding_norm))
        for layer in range(self._config.num_layers):
            x_TH = self._layer(layer, x_TH)
        return x_TH

    def _layer(self, layer: int, x_TH: Tensor) -> Tensor:
        names = self._config.family.layer_names(layer)
        h_TH = self._project(layer, "attention_output", self._attention(layer, x_TH))
        norm = self._norm(names.attention_norm)
        x_TH = plain_merge(self._spec, self._tensors, (layer, "attention"), x_TH, h_TH, norm)
        inner = ACTIVATIONS[self._config.activation](self._project(layer, "ffn_up", x_TH))
        h_TH = self._project(layer, "ffn_down", inner)
        norm = self._norm(names.ffn_norm)
        return plain_merge(self._spec, self._tensors, (layer, "ffn"), x_TH, h_TH, norm)

    def _attention(self, layer: int, x_TH: Tensor) -> Tensor:
        query, key, value = (
            self._project(layer, projection, x_TH).chunk(self._config.num_heads, dim=1)
            for projection in _ATTENTION
        )
        contexts: list[Tensor] = []
        for q_TD, k_TD, v_TD in zip(query, key, value, strict=True):
            scores_TT = (q_TD @ k_TD.T / q_TD.shape[1] ** 0.5).exp()
            contexts.append(scores_TT / scores_TT.sum(1, keepdim=True) @ v_TD)
        return torch.cat(contexts, dim=1)

    def _project(self, layer: int, projection: Projection, x_TI: Tensor) -> Tensor:
        name = getattr(self._config.family.layer_names(layer), projection)
        weight_OI, bias_O = plain_projection(
            self._spec,
            self._tensors,
            (layer, projection),
            self._weights[f"{name}.weight"],
            self._weights[f"{name}.bias"],
        )
        return x_TI @ weight_OI.T + bias_O

    def _norm(self, name: str) -> PlainNorm:
        return PlainNorm(
            self._weights[f"{name}.weight"],
            self._weights[f"{name}.bias"],
            self._config.layer_norm_eps,
        )


_ATTENTION: tuple[Projection, ...] = ("query", "key", "value")
