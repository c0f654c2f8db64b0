"""Full fine-tuning of the same backbone, by the same loop: what adapters are compared with.

Every weight of the encoder is trained, embeddings included; head, pooling, data, batches, schedule
and the choice of the best epoch are the adapter's.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from multitap_adapters.backbone import read_weights
from multitap_adapters.config import parse_config
from multitap_adapters.encoder import BareTaps, Encoder
from multitap_adapters.linear import Linear, TrainableLinear
from multitap_adapters.packing import PackedRows
from multitap_training.learner import Dropout, DropoutTaps


class FullLearner:
    """A backbone whose every weight is trained, and a linear head on its mean."""

    def __init__(self, folder: Path, labels: int, seed: int) -> None:
        config = parse_config(json.loads((folder / "config.json").read_text()))
        self._leaves: list[Tensor] = []
        products = {
            f"{part}.weight"
            for layer in range(config.num_layers)
            for part in config.family.layer_names(layer).parts()
            if "LayerNorm" not in part
        }
        weights = {
            name: tensor.float()
            if name in products or name.replace(".bias", ".weight") in products
            else self._leaf(tensor)
            for name, tensor in read_weights(folder, config).items()
        }
        self._encoder = Encoder(config, weights, self._linear)
        generator = torch.Generator().manual_seed(seed)
        head = torch.nn.init.trunc_normal_(
            torch.empty(labels, config.hidden_size), std=0.02, a=-0.04, b=0.04, generator=generator
        )
        self._head = self._linear(head, torch.zeros(labels))

    def parameters(self) -> Sequence[Tensor]:
        """Return every weight."""
        return self._leaves

    def logits(self, rows: PackedRows, dropout: Dropout) -> Tensor:
        """Return `[R, O]`."""
        taps = DropoutTaps(BareTaps(), dropout.hidden) if dropout.hidden else BareTaps()
        hidden_TH = F.dropout(self._encoder.forward(rows, taps), dropout.head)
        lengths_R = torch.tensor(rows.lengths)
        sums_RH = hidden_TH.new_zeros(len(rows.lengths), hidden_TH.shape[1])
        sums_RH = sums_RH.index_add(0, torch.repeat_interleave(lengths_R), hidden_TH)
        return self._head(sums_RH / lengths_R.unsqueeze(1))

    def _linear(self, weight_OI: Tensor, bias_O: Tensor) -> Linear:
        return TrainableLinear(self._leaf(weight_OI), self._leaf(bias_O))

    def _leaf(self, tensor: Tensor) -> Tensor:
        leaf = tensor.detach().float().clone().requires_grad_()
        self._leaves.append(leaf)
        return leaf
