"""Taps for a batch of several adapters: every segment of tokens goes through its own.

Shape suffixes: T tokens, H hidden. Segments are adjacent, cover every token, and are given in the
order of the tokens, so that a site is a loop over slices.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .encoder import Norm, Taps
from .spec import Site


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
        parts = zip(self._taps, self._split(x_TH), strict=True)
        return torch.cat([taps.embed(part_TH, norm) for taps, part_TH in parts])

    def merge(self, layer: int, site: Site, x_TH: Tensor, h_TH: Tensor, norm: Norm) -> Tensor:
        """Return a sub-layer's output `[T, H]`."""
        parts = zip(self._taps, self._split(x_TH), self._split(h_TH), strict=True)
        return torch.cat([taps.merge(layer, site, x, h, norm) for taps, x, h in parts])

    def _split(self, x_TH: Tensor) -> tuple[Tensor, ...]:
        return torch.split(x_TH, self._tokens)
