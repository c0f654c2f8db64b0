"""The part of a context that answers a question, or no answer.

No answer is a candidate like every span; its logit is that of the first token, the least over all
windows, since only an answer that no window holds is none. A score is a candidate's share of all.
Shapes: N windows, T tokens of a window.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import numpy as np

from multitap.predictions import AnswerSpan, Prediction, QuestionAnsweringPrediction
from multitap.wire import Parameters
from multitap_adapters.question_windows import QuestionRows
from multitap_adapters.spec import Head
from multitap_adapters.words import end_with_marks
from multitap_server.engine.contract import EncodedQuestion, Output, QuestionRow

from .answer_spans import SpanLogit, rank_spans
from .budget import ScoreBudget
from .run_rows import RunRows, require_finite

DEFAULT_ANSWER_TOKENS: Final = 30


def decode_question_answering(
    head: Head, run: RunRows, parameters: Parameters, _: ScoreBudget
) -> list[Prediction]:
    """Return each question's best answer, and with `top_k` the best ones in order."""
    max_tokens = parameters.max_answer_tokens or DEFAULT_ANSWER_TOKENS
    predictions: list[Prediction] = []
    for row, encoded, outputs in run.by_input():
        assert isinstance(row, QuestionRow)  # noqa: S101  as this kind is encoded
        assert isinstance(encoded, EncodedQuestion)  # noqa: S101  the same
        ranked = _rank(
            row.context,
            encoded.alignment,
            outputs,
            head.kind,
            max_tokens=max_tokens,
            top=parameters.top_k or 1,
        )
        answers = list(islice(ranked, parameters.top_k or 1))
        best = answers[0]
        predictions.append(
            QuestionAnsweringPrediction(
                answer=best.answer,
                score=best.score,
                start=best.start,
                end=best.end,
                answers=None if parameters.top_k is None else answers,
            )
        )
    return predictions


def _rank(
    context: str,
    rows: QuestionRows,
    outputs: Sequence[Output],
    kind: str,
    *,
    max_tokens: int,
    top: int,
) -> Iterator[AnswerSpan]:
    """Yield the candidates, best first; a text that several spans of tokens spell comes once."""
    shape = (len(outputs), rows.windows.length)
    starts_NT, ends_NT = np.zeros(shape), np.zeros(shape)
    nothing = math.inf
    for index, output in enumerate(outputs):
        logits_T2 = require_finite(output.astype(np.float64), kind)
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
    silent = AnswerSpan(answer="", score=math.exp(nothing - total), start=0, end=0)
    for span in spans:
        if nothing > span.logit and (0, 0) not in seen:
            seen.add((0, 0))
            yield silent
        start, end = _characters(context, rows, span)
        if (start, end) not in seen:
            seen.add((start, end))
            score = math.exp(span.logit - total)
            yield AnswerSpan(answer=context[start:end], score=score, start=start, end=end)
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
