"""What a training loop trains: something with parameters that turns packed rows into logits.

Shape suffixes: T tokens, H hidden, R rows, O outputs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor

from multitap_adapters.adapter import Adapter
from multitap_adapters.backbone import Backbone
from multitap_adapters.encoder import Norm, Place, Taps
from multitap_adapters.packing import PackedRows
from multitap_adapters.projection import ProjectionTap
from multitap_adapters.spec import AdapterSpec, Projection, Site


@dataclass(frozen=True, slots=True)
class Dropout:
    """The share of values set to 0 in a training step: of the head's input, and of hidden states.

    The names of `transformers`' settings: `classifier_dropout` and `hidden_dropout_prob`.
    """

    head: float = 0.0
    hidden: float = 0.0


class Learner(Protocol):
    """Anything that the loop can train."""

    def parameters(self) -> Sequence[Tensor]:
        """Return the leaves that are trained."""
        ...

    def logits(self, rows: PackedRows, dropout: Dropout) -> Tensor:
        """Return `[R, O]`; nothing is dropped when measuring."""
        ...


class DropoutTaps:
    """Taps behind dropout where BERT trains with it: embeddings and sub-layers' outputs.

    Devlin et al. 2019, appendix A.2, as in `transformers`' BertEmbeddings, BertSelfOutput and
    BertOutput; an adapter sees its sub-layer's output after dropout, as in Houlsby et al.'s code.
    """

    def __init__(self, taps: Taps, dropout: float) -> None:
        """Wrap what an adapter, or the bare backbone, does; `dropout` is a share."""
        self._taps = taps
        self._dropout = dropout

    def embed(self, x_TH: Tensor, norm: Norm) -> Tensor:
        """Return the embeddings' output, dropped."""
        return F.dropout(self._taps.embed(x_TH, norm), self._dropout)

    def merge(self, layer: int, site: Site, x_TH: Tensor, h_TH: Tensor, norm: Norm) -> Tensor:
        """Return a sub-layer's output, made from its dropped h."""
        return self._taps.merge(layer, site, x_TH, F.dropout(h_TH, self._dropout), norm)

    def projection(self, layer: int, projection: Projection) -> ProjectionTap | None:
        """Return what the wrapped taps change: BERT drops nothing there."""
        return self._taps.projection(layer, projection)

    def changes(self, place: Place) -> bool:  # noqa: ARG002  (Taps)
        """Return True: every place is dropped at."""
        return True


class AdapterLearner:
    """An adapter and its head on a frozen backbone."""

    def __init__(
        self, backbone: Backbone, spec: AdapterSpec, tensors: Mapping[str, Tensor]
    ) -> None:
        """Train exactly these tensors."""
        self._backbone = backbone
        self._tensors = tensors
        self._adapter = Adapter(spec, tensors, norm_eps=backbone.config.layer_norm_eps)

    def parameters(self) -> Sequence[Tensor]:
        """Return the adapter's and the head's tensors."""
        return list(self._tensors.values())

    def logits(self, rows: PackedRows, dropout: Dropout) -> Tensor:
        """Return `[R, O]`."""
        taps = DropoutTaps(self._adapter, dropout.hidden) if dropout.hidden else self._adapter
        hidden_TH = self._backbone.encoder.forward(rows, taps)
        return self._adapter.head(F.dropout(hidden_TH, dropout.head), rows.lengths)
