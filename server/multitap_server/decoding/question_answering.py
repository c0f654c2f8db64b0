"""The part of a context that answers a question, or no answer (multitap_adapters.answers)."""

from itertools import islice

import numpy as np

from multitap.predictions import AnswerSpan, Prediction, QuestionAnsweringPrediction
from multitap.wire import Parameters
from multitap_adapters.answers import DEFAULT_ANSWER_TOKENS, Answer, rank_answers
from multitap_adapters.spec import Head
from multitap_server.engine.contract import EncodedQuestion, QuestionRow

from .budget import ScoreBudget
from .run_rows import RunRows, require_finite


def decode_question_answering(
    head: Head, run: RunRows, parameters: Parameters, _: ScoreBudget
) -> list[Prediction]:
    """Return each question's best answer, and with `top_k` the best ones in order."""
    max_tokens = parameters.max_answer_tokens or DEFAULT_ANSWER_TOKENS
    top = parameters.top_k or 1
    predictions: list[Prediction] = []
    for row, encoded, outputs in run.by_input():
        assert isinstance(row, QuestionRow)  # noqa: S101  as this kind is encoded
        assert isinstance(encoded, EncodedQuestion)  # noqa: S101  the same
        logits = [require_finite(output.astype(np.float64), head.kind) for output in outputs]
        ranked = rank_answers(
            row.context, encoded.alignment, logits, max_tokens=max_tokens, top=top
        )
        answers = [_span(row.context, answer) for answer in islice(ranked, top)]
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


def _span(context: str, answer: Answer) -> AnswerSpan:
    text = context[answer.start : answer.end]
    return AnswerSpan(answer=text, score=answer.score, start=answer.start, end=answer.end)
