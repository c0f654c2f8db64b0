"""Taps for a batch of several adapters: every segment of tokens goes through its own.

Shape suffixes: T tokens, H hidden, I inputs, O outputs. Segments are adjacent, cover every token,
and are given in the order of the tokens, so that a site is a loop over slices. A site where no
segment has anything of its own is computed for all tokens at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .encoder import Norm, Place, Taps
from .projection import ProjectionTap
from .spec import Projection, Site


@dataclass(frozen=True, slots=True)
class Segment:
    """Adjacent tokens of rows with the same taps."""

    taps: Taps
    tokens: int


def mix(segments: Sequence[Segment], *, filler: int = 0) -> Taps:
    """Return taps for adjacent segments, one at least; one alone needs no mixing.

    The batch's `filler` goes through the last segment's taps.
    """
    if len(segments) == 1:
        return segments[0].taps
    last = segments[-1]
    return MixedTaps([*segments[:-1], Segment(last.taps, last.tokens + filler)])


class MixedTaps:
    """Each segment's own taps over its slice of the tokens."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        """Mix segments that together have as many tokens as the batch, filler included."""
        self._taps = [segment.taps for segment in segments]
        self._tokens = [segment.tokens for segment in segments]

    def embed(self, x_TH: Tensor, norm: Norm) -> Tensor:
        """Return the embeddings' output `[T, H]`."""
        if not self.changes("embeddings"):
            return norm(x_TH)
        parts = zip(self._taps, self._split(x_TH), strict=True)
        return torch.cat([taps.embed(part_TH, norm) for taps, part_TH in parts])

    def merge(self, layer: int, site: Site, x_TH: Tensor, h_TH: Tensor, norm: Norm) -> Tensor:
        """Return a sub-layer's output `[T, H]`."""
        if not self.changes((layer, site)):
            return norm(x_TH + h_TH)
        parts = zip(self._taps, self._split(x_TH), self._split(h_TH), strict=True)
        return torch.cat([taps.merge(layer, site, x, h, norm) for taps, x, h in parts])

    def projection(self, layer: int, projection: Projection) -> ProjectionTap | None:
        """Return what changes a projection for some of the rows, if anything does."""
        changed: list[_Slice] = []
        start = 0
        for taps, tokens in zip(self._taps, self._tokens, strict=True):
            tap = taps.projection(layer, projection)
            if tap is not None:
                changed.append(_Slice(tap, start, tokens))
            start += tokens
        return MixedProjection(changed) if changed else None

    def changes(self, place: Place) -> bool:
        """Return whether any segment's taps change it."""
        return any(taps.changes(place) for taps in self._taps)

    def _split(self, x_TH: Tensor) -> tuple[Tensor, ...]:
        return torch.split(x_TH, self._tokens)


@dataclass(frozen=True, slots=True)
class _Slice:
    """What changes a projection for adjacent tokens."""

    tap: ProjectionTap
    start: int
    tokens: int

    def of(self, x_TI: Tensor) -> Tensor:
        """Return a view of these tokens; unlike torch.split's, it may be changed in place."""
        return x_TI.narrow(0, self.start, self.tokens)


class MixedProjection:
    """Changes of some tokens at one projection; the others are not touched."""

    def __init__(self, slices: Sequence[_Slice]) -> None:
        self._slices = slices

    def scale_input(self, x_TI: Tensor) -> Tensor:
        """Return x, or a copy of it with some tokens scaled."""
        scaled_TI = x_TI
        for part in self._slices:
            given_TI = part.of(x_TI)
            part_TI = part.tap.scale_input(given_TI)
            if part_TI is not given_TI:
                if scaled_TI is x_TI:
                    scaled_TI = x_TI.clone()
                part.of(scaled_TI).copy_(part_TI)
        return scaled_TI

    def adapt(self, x_TI: Tensor, y_TO: Tensor, bias_O: Tensor) -> None:
        """Change each slice of y in place."""
        for part in self._slices:
            part.tap.adapt(part.of(x_TI), part.of(y_TO), bias_O)
