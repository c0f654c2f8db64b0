"""Adapters computed plainly, from the formulas of the adapter file's documentation.

One token at a time with vectors, or with the changed weights written out, and without the code
under test: the reference for every method. tests/plain_model.py runs them in a whole encoder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from multitap_adapters.activation import ACTIVATIONS
from multitap_adapters.spec import (
    AdapterSpec,
    Bottleneck,
    Ia3,
    Invertible,
    LayerNorms,
    Lora,
    Projection,
    Site,
)

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
    return plain_stack([(module, tensors)], x_H, h_H, norm)


def plain_stack(
    stack: Sequence[tuple[Bottleneck, Mapping[str, Tensor]]],
    x_H: Tensor,
    h_H: Tensor,
    norm: PlainNorm,
) -> Tensor:
    """Return a sub-layer's output for one token, through bottlenecks stacked at its site."""
    u_H = h_H
    for module, tensors in stack:
        u_H = _changed(module, tensors, x_H, u_H, norm)
    last = stack[-1][0]
    if last.arrangement == "parallel":
        u_H = h_H + u_H
    return norm(x_H + u_H) if last.norm_after else u_H


def _changed(
    module: Bottleneck,
    tensors: Mapping[str, Tensor],
    x_H: Tensor,
    h_H: Tensor,
    norm: PlainNorm,
) -> Tensor:
    """Return what a bottleneck makes of h."""

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
        return own_norm("norm_after", a_H) if module.new_norm_after else a_H

    given_H = norm(h_H + x_H) if module.norm_before else h_H
    residual_H = {"sub_layer": h_H, "sum": h_H + x_H, "input": given_H}[module.residual]
    a_H = adapt(given_H)
    if module.new_norm_after and module.residual_before_new_norm:
        return own_norm("norm_after", a_H + residual_H)
    if module.new_norm_after:
        return own_norm("norm_after", a_H) + residual_H
    return a_H + residual_H


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
    stack: list[tuple[Bottleneck, dict[str, Tensor]]] = []
    for index, module in enumerate(spec.modules):
        at = f"modules.{index}.layers.{layer}.{site}."
        if isinstance(module, LayerNorms) and f"{at}weight" in tensors:
            norm = PlainNorm(tensors[f"{at}weight"], tensors[f"{at}bias"], norm.eps)
        if isinstance(module, Bottleneck) and f"{at}down.weight" in tensors:
            own = {n.removeprefix(at): t for n, t in tensors.items() if n.startswith(at)}
            stack.append((module, own))
    outputs: list[Tensor] = []
    for x_H, h_H in zip(x_TH, h_TH, strict=True):
        outputs.append(plain_stack(stack, x_H, h_H, norm) if stack else norm(x_H + h_H))
    return torch.stack(outputs)


def plain_embed(
    spec: AdapterSpec, tensors: Mapping[str, Tensor], x_TE: Tensor, norm: PlainNorm
) -> Tensor:
    """Return the embeddings' output through a whole adapter."""
    for index, module in enumerate(spec.modules):
        at = f"modules.{index}.embeddings."
        if isinstance(module, LayerNorms) and f"{at}weight" in tensors:
            norm = PlainNorm(tensors[f"{at}weight"], tensors[f"{at}bias"], norm.eps)
    outputs: list[Tensor] = []
    for v_E in x_TE:
        y_E = norm(v_E)
        for index, module in enumerate(spec.modules):
            if isinstance(module, Invertible):
                y_E = _coupled(module, tensors, f"modules.{index}.embeddings", y_E)
        outputs.append(y_E)
    return torch.stack(outputs)


def _coupled(module: Invertible, tensors: Mapping[str, Tensor], at: str, v_E: Tensor) -> Tensor:
    def function(name: str, z_F: Tensor) -> Tensor:
        down_M = tensors[f"{at}.{name}.down.weight"] @ z_F + tensors[f"{at}.{name}.down.bias"]
        up_FM = tensors[f"{at}.{name}.up.weight"]
        return up_FM @ ACTIVATIONS[module.activation](down_M) + tensors[f"{at}.{name}.up.bias"]

    half = len(v_E) // 2
    first_F = v_E[:half] + function("f", v_E[half:])
    return torch.cat([first_F, v_E[half:] + function("g", first_F)])


def plain_projection(
    spec: AdapterSpec,
    tensors: Mapping[str, Tensor],
    place: tuple[int, Projection],
    weight_OI: Tensor,
    bias_O: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return the weight and the bias that a projection has through a whole adapter."""
    layer, projection = place
    update_OI: Tensor | None = None
    for index, module in enumerate(spec.modules):
        at = f"modules.{index}.layers.{layer}.{projection}"
        if isinstance(module, Lora) and f"{at}.a" in tensors:
            product_OI = _lora_scale(module, place) * tensors[f"{at}.b"] @ tensors[f"{at}.a"]
            update_OI = product_OI if update_OI is None else product_OI @ update_OI
            bias_O = tensors.get(f"{at}.bias", bias_O)
        if isinstance(module, Ia3) and f"{at}.input_scale" in tensors:
            weight_OI = weight_OI * tensors[f"{at}.input_scale"]
        if isinstance(module, Ia3) and f"{at}.output_scale" in tensors:
            weight_OI = tensors[f"{at}.output_scale"].unsqueeze(1) * weight_OI
            bias_O = tensors[f"{at}.output_scale"] * bias_O
    return weight_OI if update_OI is None else weight_OI + update_OI, bias_O


def _lora_scale(module: Lora, place: tuple[int, Projection]) -> float:
    rank, alpha = module.r, module.alpha
    for override in module.overrides:
        if (override.layer, override.projection) == place:
            rank, alpha = override.r or rank, override.alpha or alpha
    return alpha / (rank**0.5 if module.rslora else rank)
