"""Adapters computed plainly, from the formulas of the adapter file's documentation.

One token at a time with vectors, and written without the code under test: the reference for the
bottleneck, the layer norms and the mix of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from multitap_adapters.activation import ACTIVATIONS
from multitap_adapters.spec import AdapterSpec, Bottleneck, LayerNorms, Site

_NEW_NORM_EPS = 1e-5


def layer_norm(v_H: Tensor, weight_H: Tensor, bias_H: Tensor, eps: float) -> Tensor:
    """Return `weight (v - mean) / sqrt(variance + eps) + bias` of one vector."""
    centred_H = v_H - v_H.mean()
    return weight_H * centred_H / (centred_H.square().mean() + eps).sqrt() + bias_H


@dataclass(frozen=True)
class PlainNorm:
    """One layer norm of the backbone or of the task."""

    weight_H: Tensor
    bias_H: Tensor
    eps: float

    def __call__(self, v_H: Tensor) -> Tensor:
        """Return the vector normalised."""
        return layer_norm(v_H, self.weight_H, self.bias_H, self.eps)


def plain_bottleneck(
    module: Bottleneck,
    tensors: Mapping[str, Tensor],
    x_H: Tensor,
    h_H: Tensor,
    norm: PlainNorm,
) -> Tensor:
    """Return a sub-layer's output for one token; `tensors` are those of one site."""

    def own_norm(name: str, v_H: Tensor) -> Tensor:
        return layer_norm(v_H, tensors[f"{name}.weight"], tensors[f"{name}.bias"], _NEW_NORM_EPS)

    def adapt(z_H: Tensor) -> Tensor:
        inner_H = own_norm("norm_before", z_H) if module.new_norm_before else z_H
        down_M = ACTIVATIONS[module.activation](
            tensors["down.weight"] @ inner_H + tensors["down.bias"]
        )
        up_H = tensors["up.weight"] @ down_M + tensors["up.bias"]
        scale = tensors["scaling"] if isinstance(module.scaling, str) else module.scaling
        return scale * up_H

    if module.arrangement == "parallel":
        a_H = adapt(x_H)
        if module.new_norm_after:
            a_H = own_norm("norm_after", a_H)
        return norm(x_H + h_H + a_H) if module.norm_after else h_H + a_H

    given_H = norm(h_H + x_H) if module.norm_before else h_H
    residual_H = {"sub_layer": h_H, "sum": h_H + x_H, "input": given_H}[module.residual]
    a_H = adapt(given_H)
    if module.new_norm_after and module.residual_before_new_norm:
        out_H = own_norm("norm_after", a_H + residual_H)
    elif module.new_norm_after:
        out_H = own_norm("norm_after", a_H) + residual_H
    else:
        out_H = a_H + residual_H
    return norm(x_H + out_H) if module.norm_after else out_H


def plain_merge(
    spec: AdapterSpec,
    tensors: Mapping[str, Tensor],
    place: tuple[int, Site],
    x_TH: Tensor,
    h_TH: Tensor,
    norm: PlainNorm,
) -> Tensor:
    """Return a sub-layer's output through a whole adapter, at `place`: a layer and a site."""
    layer, site = place
    bottleneck: tuple[Bottleneck, dict[str, Tensor]] | None = None
    for index, module in enumerate(spec.modules):
        at = f"modules.{index}.layers.{layer}.{site}."
        if isinstance(module, LayerNorms) and f"{at}weight" in tensors:
            norm = PlainNorm(tensors[f"{at}weight"], tensors[f"{at}bias"], norm.eps)
        if isinstance(module, Bottleneck) and f"{at}down.weight" in tensors:
            own = {n.removeprefix(at): t for n, t in tensors.items() if n.startswith(at)}
            bottleneck = (module, own)
    outputs: list[Tensor] = []
    for x_H, h_H in zip(x_TH, h_TH, strict=True):
        if bottleneck is None:
            outputs.append(norm(x_H + h_H))
        else:
            outputs.append(plain_bottleneck(*bottleneck, x_H, h_H, norm))
    return torch.stack(outputs)
