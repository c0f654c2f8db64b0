"""What a training loop trains: something with parameters that turns packed rows into logits.

Shape suffixes: T tokens, H hidden, R rows, O outputs.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor

from multitap_adapters.adapter import Adapter
from multitap_adapters.backbone import Backbone
from multitap_adapters.packing import PackedRows
from multitap_adapters.spec import AdapterSpec


class Learner(Protocol):
    """Anything that the loop can train."""

    def parameters(self) -> Sequence[Tensor]:
        """Return the leaves that are trained."""
        ...

    def logits(self, rows: PackedRows, *, dropout: float) -> Tensor:
        """Return `[R, O]`; `dropout` is what the head's input loses, 0 when measuring."""
        ...


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

    def logits(self, rows: PackedRows, *, dropout: float) -> Tensor:
        """Return `[R, O]`."""
        hidden_TH = self._backbone.encoder.forward(rows, self._adapter)
        return self._adapter.head(F.dropout(hidden_TH, dropout), rows.lengths)
