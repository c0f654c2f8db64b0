"""Low-rank updates of a projection: Hu et al. 2021, section 4.1; options of `peft` 0.21.2.

Shape suffixes: T tokens, I inputs, O outputs, R rank. One update is `y + scale * B(A x)`. Stacked
updates are what the `adapters` library 1.3.0 computes for a Stack (`methods/lora.py`, compose_stack
over LoRA.forward): each is given the update below it, `y + scale_2 B_2(A_2(scale_1 B_1(A_1 x)))`.
"""

import math
from collections.abc import Iterable, Iterator, Mapping

from torch import Tensor

from .linear import adapter_linear
from .spec import Lora, Projection


class LoraTap:
    """The update of one projection, and the projection's own bias where it has one."""

    def __init__(
        self,
        a_RI: Tensor,
        b_OR: Tensor,
        scale: float,
        *,
        bias_O: Tensor | None = None,
        below: "LoraTap | None" = None,
    ) -> None:
        """Make an update, stacked on the one below; a bias stands in place of the backbone's."""
        self.scale: float = scale if below is None else scale * below.scale
        self._a = adapter_linear(a_RI, None)
        self._b = adapter_linear(b_OR, None)
        self._bias_O = bias_O
        self._below = below

    def update(self, x_TI: Tensor) -> Tensor:
        """Return the update `[T, O]` before it is scaled."""
        given_TI = x_TI if self._below is None else self._below.update(x_TI)
        return self._b(self._a(given_TI))

    def scale_input(self, x_TI: Tensor) -> Tensor:
        """Return x."""
        return x_TI

    def adapt(self, x_TI: Tensor, y_TO: Tensor, bias_O: Tensor) -> None:
        """Add the update, and exchange the bias."""
        y_TO.add_(self.update(x_TI), alpha=self.scale)
        if self._bias_O is not None:
            y_TO.add_(self._bias_O - bias_O)


def lora_taps(
    module: Lora,
    tensors: Mapping[str, Tensor],
    layers: Iterable[int],
    below: Mapping[tuple[int, Projection], LoraTap],
) -> Iterator[tuple[tuple[int, Projection], LoraTap]]:
    """Yield a module's taps with their layers and projections, each on what is below it there."""
    alphas = {(o.layer, o.projection): o.alpha for o in module.overrides if o.alpha is not None}
    for layer in layers:
        for projection in module.projections:
            place = layer, projection
            at = f"layers.{layer}.{projection}"
            a_RI = tensors[f"{at}.a"]
            rank = a_RI.shape[0]
            scale = alphas.get(place, module.alpha) / (math.sqrt(rank) if module.rslora else rank)
            yield (
                place,
                LoraTap(
                    a_RI,
                    tensors[f"{at}.b"],
                    scale,
                    bias_O=tensors.get(f"{at}.bias"),
                    below=below.get(place),
                ),
            )
