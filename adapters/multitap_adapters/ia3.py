"""IA3: learned vectors that multiply a projection's input or output (Liu et al. 2022, section 3.3).

Shape suffixes: T tokens, I inputs, O outputs. The output's vector multiplies the bias too, as in
`peft` 0.21.2 (`tuners/ia3/layer.py`) and in the `adapters` library 1.3.0 (`methods/lora.py`,
LoRALinear.forward). Stacked vectors multiply each other, as in both.
"""

from collections.abc import Iterable, Iterator, Mapping

from torch import Tensor

from .spec import Ia3, Projection


class Ia3Tap:
    """The vectors of one projection."""

    def __init__(
        self,
        input_scale_I: Tensor | None,
        output_scale_O: Tensor | None,
        below: "Ia3Tap | None" = None,
    ) -> None:
        """Multiply the input, the output or both, after what is below."""
        self._input_scale_I = input_scale_I
        self._output_scale_O = output_scale_O
        self._below = below

    def scale_input(self, x_TI: Tensor) -> Tensor:
        """Return x multiplied, and x itself where only the output is."""
        if self._below is not None:
            x_TI = self._below.scale_input(x_TI)
        return x_TI if self._input_scale_I is None else x_TI * self._input_scale_I

    def adapt(self, x_TI: Tensor, y_TO: Tensor, bias_O: Tensor) -> None:
        """Multiply the output, its bias included."""
        if self._below is not None:
            self._below.adapt(x_TI, y_TO, bias_O)
        if self._output_scale_O is not None:
            y_TO.mul_(self._output_scale_O)


def ia3_taps(
    module: Ia3,
    tensors: Mapping[str, Tensor],
    layers: Iterable[int],
    below: Mapping[tuple[int, Projection], Ia3Tap],
) -> Iterator[tuple[tuple[int, Projection], Ia3Tap]]:
    """Yield a module's taps with their layers and projections, each on what is below it there."""
    for layer in layers:
        for projection in module.projections():
            place = layer, projection
            at = f"layers.{layer}.{projection}"
            yield (
                place,
                Ia3Tap(
                    tensors.get(f"{at}.input_scale"),
                    tensors.get(f"{at}.output_scale"),
                    below.get(place),
                ),
            )
