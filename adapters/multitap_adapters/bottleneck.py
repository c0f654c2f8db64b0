"""The bottleneck adapter at one site: Houlsby et al. 2019 and its published variants.

Shape suffixes: T tokens, H hidden, M bottleneck. With x the residual that enters a sub-layer, h its
output and LN its norm (Houlsby: `LN(x + h + A(h))`), the order of steps is that of the `adapters`
library 1.3.0, `methods/modeling.py`, classes Adapter and ParallelAdapter. Bottlenecks stacked at
one site are what its Stack computes (`methods/adapter_layer_base.py` compose_stack, and
`methods/bottleneck.py` bottleneck_layer_forward): each takes the result of the one below it for h,
and the last one alone adds the residual x and applies LN.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor

from .encoder import Norm
from .linear import adapter_linear
from .spec import Bottleneck

# The adapter's own layer norms use torch's default, whatever the backbone's epsilon is.
_NEW_NORM_EPS = 1e-5


class BottleneckSite:
    """One bottleneck after one sub-layer."""

    def __init__(self, module: Bottleneck, tensors: Mapping[str, Tensor]) -> None:
        """Build from the site's tensors, under the last part of their names."""
        self._module = module
        self._down = adapter_linear(tensors["down.weight"], tensors["down.bias"])
        self._up = adapter_linear(tensors["up.weight"], tensors["up.bias"])
        # A factor; or one of the file's tensors, [1] or [H].
        self._scaling = tensors["scaling"] if isinstance(module.scaling, str) else module.scaling
        self._norm_before = _new_norm("norm_before", tensors)
        self._norm_after = _new_norm("norm_after", tensors)

    def __call__(self, x_TH: Tensor, h_TH: Tensor, norm: Norm) -> Tensor:
        """Return the sub-layer's output `[T, H]`, with this bottleneck alone."""
        return through([self], x_TH, h_TH, norm)

    def change(self, x_TH: Tensor, h_TH: Tensor, norm: Norm) -> Tensor:
        """Return what takes h's place: with its residual if sequential, A's output if parallel."""
        module = self._module
        if module.arrangement == "parallel":
            return self._after(self._adapt(x_TH))
        sum_TH = h_TH + x_TH if module.norm_before else h_TH
        z_TH = norm(sum_TH) if module.norm_before else h_TH
        residual_TH = {"sub_layer": h_TH, "sum": sum_TH, "input": z_TH}[module.residual]
        u_TH = self._adapt(z_TH)
        if module.residual_before_new_norm:
            return self._after(u_TH + residual_TH)
        return self._after(u_TH) + residual_TH

    def finish(self, u_TH: Tensor, x_TH: Tensor, h_TH: Tensor, norm: Norm) -> Tensor:
        """Return the sub-layer's output, given what this last bottleneck made in place of h."""
        if self._module.arrangement == "parallel":
            u_TH = u_TH + h_TH
        return norm(u_TH + x_TH) if self._module.norm_after else u_TH

    def _adapt(self, z_TH: Tensor) -> Tensor:
        if self._norm_before is not None:
            z_TH = self._norm_before(z_TH)
        u_TH = self._up(self._down(z_TH, self._module.activation))
        scaled = isinstance(self._scaling, Tensor) or self._scaling != 1.0
        return u_TH * self._scaling if scaled else u_TH

    def _after(self, u_TH: Tensor) -> Tensor:
        return u_TH if self._norm_after is None else self._norm_after(u_TH)


def through(sites: Sequence[BottleneckSite], x_TH: Tensor, h_TH: Tensor, norm: Norm) -> Tensor:
    """Return the sub-layer's output `[T, H]` through stacked bottlenecks, one at least.

    A parallel one reads x whatever is below it, so that what was below is lost, as in the library.
    """
    u_TH = h_TH
    for site in sites:
        u_TH = site.change(x_TH, u_TH, norm)
    return sites[-1].finish(u_TH, x_TH, h_TH, norm)


def _new_norm(name: str, tensors: Mapping[str, Tensor]) -> Norm | None:
    if f"{name}.weight" not in tensors:
        return None
    return Norm(tensors[f"{name}.weight"], tensors[f"{name}.bias"], _NEW_NORM_EPS)
