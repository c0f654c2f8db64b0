"""Where training starts: adapters near the identity, the backbone's own norms, a small head.

* bottleneck: weights from N(0, 1e-2) cut at two deviations, zero biases (Houlsby et al. 2019,
  section 2.1); its own norms and its scaling start at 1;
* lora: a from U(-1 / sqrt(inputs), 1 / sqrt(inputs)), b zero, its bias the backbone's (`peft`
  0.21.2, `tuners/lora/layer.py`, reset_lora_parameters: kaiming_uniform_ with a = sqrt(5));
* ia3: ones (`peft`, `tuners/ia3/layer.py`);
* invertible: weights from N(0, 2e-2), zero biases (`adapters` 1.3.0, `methods/invertible.py`).

So at first the network is the backbone, or almost.
"""

import math

import torch
from torch import Tensor

from multitap_adapters.backbone import Backbone
from multitap_adapters.file import tensor_shapes
from multitap_adapters.spec import AdapterSpec, Invertible, LayerNorms, Lora, Module

_DEVIATION = 1e-2
_INVERTIBLE_DEVIATION = 2e-2
_HEAD_DEVIATION = 2e-2  # BERT's initializer_range, for the new linear layer


def initial_tensors(
    spec: AdapterSpec, backbone: Backbone, generator: torch.Generator
) -> dict[str, Tensor]:
    """Return every tensor of the specification, as float leaves that ask for a gradient."""
    copied = _copied(spec, backbone)
    return {
        name: (
            copied[name].detach().clone()
            if name in copied
            else _initial(_module(spec, name), name, shape, generator)
        ).requires_grad_()
        for name, shape in tensor_shapes(spec).items()
    }


def _initial(
    module: Module | None, name: str, shape: tuple[int, ...], generator: torch.Generator
) -> Tensor:
    last = name.rsplit(".", 1)[1]
    if last in ("bias", "b"):
        return torch.zeros(shape)
    if last.endswith(("scale", "scaling")) or ".norm_" in name:
        return torch.ones(shape)
    if last == "a":
        return torch.nn.init.kaiming_uniform_(
            torch.empty(shape), a=math.sqrt(5), generator=generator
        )
    if isinstance(module, Invertible):
        return torch.normal(0.0, _INVERTIBLE_DEVIATION, shape, generator=generator)
    deviation = _HEAD_DEVIATION if module is None else _DEVIATION
    return torch.nn.init.trunc_normal_(
        torch.empty(shape), std=deviation, a=-2 * deviation, b=2 * deviation, generator=generator
    )


def _module(spec: AdapterSpec, name: str) -> Module | None:
    """Return the module that a tensor belongs to, None for the head's."""
    kind, index, *_ = name.split(".")
    return spec.modules[int(index)] if kind == "modules" else None


def _copied(spec: AdapterSpec, backbone: Backbone) -> dict[str, Tensor]:
    """Return what starts as the backbone's: own layer norms, and own biases of projections."""
    copied: dict[str, Tensor] = {}
    for index, module in enumerate(spec.modules):
        if isinstance(module, LayerNorms):
            for place, norm in backbone.encoder.norms():
                copied[f"modules.{index}.{place}.weight"] = norm.weight_H
                copied[f"modules.{index}.{place}.bias"] = norm.bias_H
        if isinstance(module, Lora):
            for place, bias_O in backbone.encoder.biases():
                copied[f"modules.{index}.{place}.bias"] = bias_O
    return copied
