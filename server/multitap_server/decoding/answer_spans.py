"""The spans of a context that may be an answer, scored over all windows.

A span's logit is its first token's start logit plus its last token's end logit (Devlin et al.
2019, section 4.2), both from the window in whose middle the span stands best; so every span counts
once. Shapes: N windows, T tokens of a window.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from multitap_adapters.windows import Windows

from .run_rows import Floats


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
    origins = np.array(windows.starts)
    halfway = np.array(windows.halfway)
    seen = np.concatenate([[0], np.cumsum(visible)])
    found: list[npt.NDArray[np.float64]] = []
    total = -np.inf
    for longer in range(min(max_tokens, windows.length)):
        first = np.arange(len(visible) - longer)
        # The same window as `Windows.owner` names.
        window = np.searchsorted(halfway, 2 * first + longer - windows.length + 1, side="left")
        place = first - origins[window]
        fits = (place >= 0) & (place + longer < windows.length)
        fits &= seen[first + longer + 1] > seen[first]
        first, window, place = first[fits], window[fits], place[fits]
        if not len(first):
            continue
        logits = starts_NT[window, place] + ends_NT[window, place + longer]
        total = float(np.logaddexp(total, _log_sum_exp(logits)))
        if len(logits) > limit:
            kept = np.argpartition(-logits, limit - 1)[:limit]
            first, logits = first[kept], logits[kept]
        found.append(np.stack([-logits, first, first + longer]))
    if not found:
        return [], total
    minus, first, last = np.concatenate(found, axis=1)
    order = np.lexsort((last, first, minus))[:limit].tolist()
    return [SpanLogit(int(first[i]), int(last[i]), -float(minus[i])) for i in order], total


def _log_sum_exp(values: Floats) -> float:
    highest = float(values.max())
    return highest + float(np.log(np.exp(values - highest).sum()))
