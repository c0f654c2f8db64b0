"""The parts of a context that answer a question best, in order, and no answer among them.

No answer is a candidate like every span; its logit is that of the first token, the least over all
windows, since only an answer that no window holds is none. A score is a candidate's share of all.
For training as for serving. Shapes: N windows, T tokens of a window.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from .answer_spans import Floats, SpanLogit, rank_spans
from .question_windows import QuestionRows
from .words import end_with_marks

# What a span has at most where nobody says otherwise; training measures with it too.
DEFAULT_ANSWER_TOKENS: Final = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """The characters `start` to `end` of a context, and their share; no answer is 0 to 0."""

    start: int
    end: int
    score: float


def rank_answers(
    context: str, rows: QuestionRows, outputs: Sequence[Floats], *, max_tokens: int, top: int
) -> Iterator[Answer]:
    """Yield the candidates, best first; a text that several spans of tokens spell comes once.

    `outputs` are the start and end logits of each window's row, all tokens of it, `[tokens, 2]`;
    `top` says how many answers will be taken, and a span has at most `max_tokens` tokens.
    """
    shape = (len(outputs), rows.windows.length)
    starts_NT, ends_NT = np.zeros(shape), np.zeros(shape)
    nothing = math.inf
    for index, logits_T2 in enumerate(outputs):
        nothing = min(nothing, float(logits_T2[0].sum()))
        window_T2 = logits_T2[rows.prefix : rows.prefix + rows.windows.length]
        starts_NT[index], ends_NT[index] = window_T2[:, 0], window_T2[:, 1]
    visible = np.array([not context[a:b].isspace() and a < b for a, b in rows.spans], dtype=bool)
    # Characters of several tokens (bytes, mostly) give the same text more than once.
    limit = 4 * top + 16
    spans, total = rank_spans(
        starts_NT, ends_NT, rows.windows, visible, max_tokens=max_tokens, limit=limit
    )
    total = float(np.logaddexp(total, nothing))
    seen: set[tuple[int, int]] = set()
    silent = Answer(0, 0, math.exp(nothing - total))
    for span in spans:
        if nothing > span.logit and (0, 0) not in seen:
            seen.add((0, 0))
            yield silent
        start, end = _characters(context, rows, span)
        if (start, end) not in seen:
            seen.add((start, end))
            yield Answer(start, end, math.exp(span.logit - total))
    if (0, 0) not in seen:
        yield silent


def _characters(context: str, rows: QuestionRows, span: SpanLogit) -> tuple[int, int]:
    """Return a span's characters, without spaces around them, the last one with its marks."""
    start, end = rows.spans[span.first][0], rows.spans[span.last][1]
    while context[start].isspace():
        start += 1
    while context[end - 1].isspace():
        end -= 1
    return start, end_with_marks(context, end)
