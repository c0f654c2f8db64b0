"""The encoder's linear layers, at each of which an adapter may change a projection.

Shape suffixes: T tokens, I inputs, O outputs. One product may hold several projections of the same
input side by side (query, key and value). Where nobody changes one of them, the product is
computed as if there were no adapters, its activation fused; otherwise once for all rows, and the
change is made in place on the rows that need it.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from torch import Tensor

from .activation import ACTIVATIONS
from .linear import Linear
from .spec import Activation, Projection


class ProjectionTap(Protocol):
    """What changes one projection: low-rank updates, or vectors that multiply."""

    def scale_input(self, x_TI: Tensor) -> Tensor:
        """Return what the projection is given in place of x: x itself where that is the same."""
        ...

    def adapt(self, x_TI: Tensor, y_TO: Tensor, bias_O: Tensor) -> None:
        """Change `y = W z + b` in place, with z the scaled input; x is the input before that."""
        ...


class ProjectionTaps(Protocol):
    """The part of an encoder's taps that its linear layers ask."""

    def projection(self, layer: int, projection: Projection) -> ProjectionTap | None:
        """Return what changes a projection, None where it stays as the backbone's."""
        ...


class TappedLinear:
    """A linear layer of one or more projections, with its activation."""

    def __init__(
        self, linear: Linear, bias_O: Tensor, layer: int, projections: Sequence[Projection]
    ) -> None:
        """Wrap a layer whose outputs are the projections', in order and of equal sizes."""
        self._linear = linear
        self._bias_O = bias_O
        self._layer = layer
        self._projections = tuple(projections)
        self._size = bias_O.shape[0] // len(self._projections)

    def biases(self) -> Iterator[tuple[Projection, Tensor]]:
        """Yield each projection and its bias."""
        for index, projection in enumerate(self._projections):
            yield projection, self._bias_O.narrow(0, index * self._size, self._size)

    def __call__(
        self, x_TI: Tensor, taps: ProjectionTaps, activation: Activation = "none"
    ) -> Tensor:
        """Return `[T, O]`, every projection as the taps change it."""
        found = [taps.projection(self._layer, projection) for projection in self._projections]
        if all(tap is None for tap in found):
            return self._linear(x_TI, activation)
        return ACTIVATIONS[activation](self._change(x_TI, found))

    def _change(self, x_TI: Tensor, found: Sequence[ProjectionTap | None]) -> Tensor:
        inputs = [x_TI if tap is None else tap.scale_input(x_TI) for tap in found]
        first_TI = inputs[0] if len(inputs) == 1 else x_TI
        y_TO = self._linear(first_TI)
        for index, (tap, z_TI) in enumerate(zip(found, inputs, strict=True)):
            if tap is None:
                continue
            start = index * self._size
            part_TO = y_TO.narrow(1, start, self._size)
            if z_TI is not first_TI:
                # Rare (IA3 at the input of query, key or value): the whole product once more.
                part_TO.copy_(self._linear(z_TI).narrow(1, start, self._size))
            tap.adapt(x_TI, part_TO, self._bias_O.narrow(0, start, self._size))
        return y_TO
