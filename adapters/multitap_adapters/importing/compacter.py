"""Compacter (Mahabadi et al. 2021): sums of Kronecker products, made into ordinary weights.

`adapters` 1.3.0, class PHMLayer: `y = x H + b` with `H = sum_i kron(rule_i, W_i)` `[in, out]`; rule
and W may be shared by all layers, and may be products of two factors. Shapes: P is `phm_dim`.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from multitap_adapters.spec import Bottleneck

from .errors import FolderRefused
from .keys import bottleneck_key, places, site_key
from .settings import Settings
from .stored import StoredTensors
from .target import Target

_MAX_FACTOR = 65_536


class _Compacter:
    """The settings of one folder's factors, and where their tensors are."""

    def __init__(self, settings: Settings, name: str, stored: StoredTensors) -> None:
        self._stored = stored
        self._shared = f"shared_parameters.{name}"
        self.dim = settings.integer("phm_dim", 4)
        self._rank = settings.integer("phm_rank", 1)
        if not 0 < self.dim <= _MAX_FACTOR or not 0 < self._rank <= _MAX_FACTOR:
            raise FolderRefused(f"phm_dim {self.dim} or phm_rank {self._rank} is out of bounds")
        self._shared_rule = settings.flag("shared_phm_rule", default=True)
        self._shared_w = settings.flag("shared_W_phm", default=False)
        self._factorized_rule = settings.flag("factorized_phm_rule", default=False)
        self._factorized_w = settings.flag("factorized_phm_W", default=True)
        self.bias = settings.flag("phm_bias", default=True)

    def weight(self, at: str, position: str, inputs: int, outputs: int) -> Tensor:
        """Return a projection's weight `[out, in]`; `position` is `down` or `up`."""
        if inputs % self.dim or outputs % self.dim:
            raise FolderRefused(
                f"phm_dim {self.dim} does not divide the projection's sizes {inputs} and {outputs}"
            )
        rule = f"{self._shared if self._shared_rule else at}.phm_rule"
        w = f"{self._shared}.W_{position}" if self._shared_w else f"{at}.W"
        rule_PPP = self._factor(
            rule, (self.dim, self.dim, self.dim), 1, split=self._factorized_rule
        )
        shape = (self.dim, inputs // self.dim, outputs // self.dim)
        w_PIO = self._factor(w, shape, self._rank, split=self._factorized_w)
        summed_IO = sum(
            (torch.kron(rule_PPP[i], w_PIO[i]) for i in range(self.dim)),
            start=torch.zeros(inputs, outputs, dtype=torch.float64),
        )
        return summed_IO.T.float().contiguous()

    def _factor(self, name: str, shape: tuple[int, int, int], rank: int, *, split: bool) -> Tensor:
        if not split:
            return self._stored.take_one(name, shape).double()
        count, rows, columns = shape
        left = self._stored.take_one(f"{name}_left", (count, rows, rank))
        right = self._stored.take_one(f"{name}_right", (count, rank, columns))
        return torch.bmm(left.double(), right.double())


def read_compacter(
    settings: Settings, module: Bottleneck, name: str, target: Target, stored: StoredTensors
) -> Mapping[str, Tensor]:
    """Return a bottleneck's tensors by place, its projections multiplied out in double precision.

    Raises:
        FolderRefused: a factor is missing or has another shape.
    """
    compacter = _Compacter(settings, name, stored)
    tensors: dict[str, Tensor] = {}
    for place, shape in places(module, target.identity).items():
        _, layer, site, *tensor = place.split(".")
        if tensor[0] not in ("down", "up"):
            tensors[place] = stored.take_one(
                bottleneck_key(target.family, name, module, place), shape
            )
            continue
        base = site_key(
            target.family, name, int(layer), "attention" if site == "attention" else "ffn"
        )
        step = "adapter_up" if tensor[0] == "up" else f"adapter_down.{int(module.new_norm_before)}"
        at = f"{base}.{step}"
        if tensor[1] == "weight":
            outputs, inputs = shape
            tensors[place] = compacter.weight(at, tensor[0], inputs, outputs)
        elif compacter.bias:
            tensors[place] = stored.take_one(f"{at}.b", shape)
        else:
            tensors[place] = torch.zeros(shape)
    return tensors
