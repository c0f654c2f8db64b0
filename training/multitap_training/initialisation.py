"""Where training starts: adapters near the identity, the backbone's own norms, a small head.

Houlsby et al. 2019, section 2.1: bottleneck weights from N(0, 1e-2) cut at two deviations, zero
biases, so that at first the network is almost the backbone.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from multitap_adapters.backbone import Backbone
from multitap_adapters.file import tensor_shapes
from multitap_adapters.spec import AdapterSpec, LayerNorms

_DEVIATION = 1e-2
_HEAD_DEVIATION = 2e-2  # BERT's initializer_range, for the new linear layer


def initial_tensors(
    spec: AdapterSpec, backbone: Backbone, generator: torch.Generator
) -> dict[str, Tensor]:
    """Return every tensor of the specification, as float leaves that ask for a gradient."""
    norms = _own_norms(spec, backbone)
    return {
        name: _initial(name, shape, norms, generator).requires_grad_()
        for name, shape in tensor_shapes(spec).items()
    }


def _initial(
    name: str, shape: tuple[int, ...], norms: Mapping[str, Tensor], generator: torch.Generator
) -> Tensor:
    if name in norms:
        return norms[name].detach().clone()
    if name.endswith("bias"):
        return torch.zeros(shape)
    deviation = _HEAD_DEVIATION if name.startswith("head.") else _DEVIATION
    return torch.nn.init.trunc_normal_(
        torch.empty(shape), std=deviation, a=-2 * deviation, b=2 * deviation, generator=generator
    )


def _own_norms(spec: AdapterSpec, backbone: Backbone) -> dict[str, Tensor]:
    norms: dict[str, Tensor] = {}
    for index, module in enumerate(spec.modules):
        if not isinstance(module, LayerNorms):
            continue
        for place, norm in backbone.encoder.norms():
            norms[f"modules.{index}.{place}.weight"] = norm.weight_H
            norms[f"modules.{index}.{place}.bias"] = norm.bias_H
    return norms
