"""The spans of a context that may be an answer, scored over all windows.

A span's logit is its first token's start logit plus its last token's end logit (Devlin et al.
2019, section 4.2), both from the window in whose middle the span stands best; so every span counts
once. Shapes: N windows, T tokens of a window, D tokens of a span.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from .windows import Windows

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SpanLogit:
    """The context's tokens `first` to `last`, and their logit."""

    first: int
    last: int
    logit: float


def rank_spans(
    starts_NT: Floats,
    ends_NT: Floats,
    windows: Windows,
    visible: npt.NDArray[np.bool_],
    *,
    max_tokens: int,
    limit: int,
) -> tuple[list[SpanLogit], float]:
    """Return the best spans of at most `max_tokens` tokens, and log-sum-exp over all spans.

    `visible` says of every token of the context whether it has more than spaces; a span needs one
    such token. Without any span, the second value is minus infinity.
    """
    length = windows.length
    if not length:
        return [], -math.inf
    longest = min(max_tokens, length)
    padding = np.zeros(longest - 1)
    place_T1, longer_1D = np.arange(length)[:, None], np.arange(longest)[None, :]
    sums_TD = 2 * place_T1 + longer_1D - length + 1
    fits_TD = place_T1 + longer_1D < length
    seen = np.concatenate([[0], np.cumsum(visible), padding])
    all_visible = bool(visible.all())
    bounds = [-math.inf, *windows.halfway, math.inf]
    found: list[Floats] = []
    total = -math.inf
    for index, begin in enumerate(windows.starts):
        # The same window as `Windows.owner` names.
        middle_TD = sums_TD + 2 * begin
        own_TD = fits_TD & (middle_TD > bounds[index]) & (middle_TD <= bounds[index + 1])
        if not all_visible:
            part = seen[begin : begin + length + longest]
            own_TD &= sliding_window_view(part, longest)[1:] > part[:length, None]
        place, longer = np.nonzero(own_TD)
        if not len(place):
            continue
        logits = starts_NT[index][place] + ends_NT[index][place + longer]
        total = float(np.logaddexp(total, _log_sum_exp(logits)))
        if len(logits) > limit:
            kept = np.argpartition(-logits, limit - 1)[:limit]
            place, longer, logits = place[kept], longer[kept], logits[kept]
        found.append(np.stack([-logits, place + begin, place + begin + longer]).astype(np.float64))
    return _best(found, limit), total


def _best(found: list[Floats], limit: int) -> list[SpanLogit]:
    if not found:
        return []
    minus, first, last = np.concatenate(found, axis=1)
    order = np.lexsort((last, first, minus))[:limit].tolist()
    return [SpanLogit(int(first[i]), int(last[i]), -float(minus[i])) for i in order]


def _log_sum_exp(values: Floats) -> float:
    highest = float(values.max())
    return highest + float(np.log(np.exp(values - highest).sum()))
