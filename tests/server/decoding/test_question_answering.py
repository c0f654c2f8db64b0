"""Question answering without an engine: against a search that tries every span."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoding_runs import PLENTY
from every_kind import question_head
from fake_engine import word_tokenizer
from multitap.predictions import AnswerSpan, QuestionAnsweringPrediction
from multitap.wire import Parameters
from multitap_adapters.tokenizer import Tokenizer
from multitap_server.decoding import RunRows, ScoreBudget, decode
from multitap_server.engine.contract import EncodedQuestion, Output, QuestionRow
from multitap_server.engine.tokenizing import encode_questions
from multitap_server.errors import UnusableOutput
from other_tokenizers import byte_tokenizer

Span = tuple[int, int]
NOTHING: Span = (0, 0)


def run_of(
    rows: list[QuestionRow],
    max_tokens: int,
    *,
    seed: int = 0,
    tokenizer: Tokenizer | None = None,
) -> RunRows:
    """Return questions with random outputs."""
    encoded = encode_questions(tokenizer or word_tokenizer(), rows, max_tokens=max_tokens)
    generator = np.random.default_rng(seed)
    outputs: list[Output] = [
        generator.normal(0, 2, (len(row.token_ids), 2)).astype(np.float32)
        for each in encoded
        for row in each.rows
    ]
    return RunRows(rows, encoded, outputs)


def answers_of(run: RunRows, top_k: int, max_tokens: int = 30) -> list[AnswerSpan]:
    parameters = Parameters(top_k=top_k, max_answer_tokens=max_tokens)
    [found] = decode(question_head(), run, parameters, ScoreBudget(PLENTY))
    assert isinstance(found, QuestionAnsweringPrediction)
    assert found.answers is not None
    best = found.answers[0]
    assert (found.answer, found.score) == (best.answer, best.score)
    assert (found.start, found.end) == (best.start, best.end)
    return found.answers


@dataclass(frozen=True)
class Plain:
    """Every candidate's logit, by its characters; found by trying all."""

    logits: dict[Span, float]

    def scores(self) -> dict[Span, float]:
        total = sum(math.exp(logit) for logit in self.logits.values())
        return {span: math.exp(logit) / total for span, logit in self.logits.items()}


def plain_search(run: RunRows, max_tokens: int) -> Plain:
    [(_, encoded, outputs)] = run.by_input()
    assert isinstance(encoded, EncodedQuestion)
    rows = encoded.alignment
    starts, length = rows.windows.starts, rows.windows.length
    logits = {NOTHING: min(float(o[0, 0]) + float(o[0, 1]) for o in outputs)}
    for first in range(len(rows.spans)):
        for last in range(first, min(first + max_tokens, len(rows.spans))):
            context = [min(first - a, a + length - 1 - last) for a in starts]
            window = context.index(max(context))
            if context[window] < 0:
                continue
            shift = rows.prefix - starts[window]
            logit = float(outputs[window][first + shift, 0]) + float(
                outputs[window][last + shift, 1]
            )
            logits[rows.spans[first][0], rows.spans[last][1]] = logit
    return Plain(logits)


@given(
    words=st.integers(0, 40),
    asked=st.integers(0, 4),
    max_tokens=st.integers(5, 24),
    longest=st.integers(1, 12),
    seed=st.integers(0, 100),
)
def test_answers_are_those_of_a_search_that_tries_every_span(
    words: int, asked: int, max_tokens: int, longest: int, seed: int
) -> None:
    context = " ".join(f"w{index}" for index in range(words))
    run = run_of([QuestionRow("q " * asked, context)], max_tokens, seed=seed)

    found = answers_of(run, 10_000, longest)

    expected = plain_search(run, longest).scores()
    ranked = sorted(expected, key=lambda span: -expected[span])
    assert [(each.start, each.end) for each in found[:5]] == ranked[:5]
    assert {(each.start, each.end) for each in found} == set(expected)
    for each in found:
        assert each.score == pytest.approx(expected[each.start, each.end], rel=1e-9)
        assert each.answer == context[each.start : each.end]


def test_all_scores_sum_to_one() -> None:
    run = run_of([QuestionRow("who", "one two three four five six seven eight")], 10)

    assert sum(each.score for each in answers_of(run, 1_000)) == pytest.approx(1)


def test_top_k_answers_are_the_best_in_order() -> None:
    run = run_of([QuestionRow("who", "one two three four five")], 32)

    every, three = answers_of(run, 100), answers_of(run, 3)

    assert three == every[:3]
    scores = [each.score for each in every]
    assert scores == sorted(scores, reverse=True)


def test_no_answer_wins_only_above_every_span() -> None:
    run = run_of([QuestionRow("who", "one two")], 32)
    run.outputs[0][:] = 0.0
    assert answers_of(run, 4)[0].answer == "one"

    run.outputs[0][0] = 0.001
    first, *others = answers_of(run, 4)

    assert (first.answer, first.start, first.end) == ("", 0, 0)
    assert [each.answer for each in others] == ["one", "one two", "two"]


def test_no_answer_needs_every_window_to_say_so() -> None:
    run = run_of([QuestionRow("who", " ".join("abcdefghij"))], 9)
    assert len(run.outputs) > 2
    for output in run.outputs:
        output[:] = 0.0
        output[0] = 5.0
    assert answers_of(run, 1)[0].answer == ""

    run.outputs[1][0] = -5.0
    assert answers_of(run, 1)[0].answer != ""


def test_tokens_of_the_question_and_special_ones_are_no_answers() -> None:
    run = run_of([QuestionRow("who was it", "one two")], 32)
    run.outputs[0][:] = 50.0
    prefix = 5
    run.outputs[0][prefix : prefix + 2] = 0.0
    run.outputs[0][0] = -50.0

    assert {each.answer for each in answers_of(run, 100)} == {"one", "one two", "two", ""}


def test_spaces_around_an_answer_and_its_missing_marks_are_mended() -> None:
    """Byte-level tokens begin with their space, and a character may take several of them."""
    context = "In\tcafe\u0301  \r\n👍🏽 now"
    run = run_of([QuestionRow("who", context)], 200, tokenizer=byte_tokenizer())

    found = answers_of(run, 10_000)

    assert len({(each.start, each.end) for each in found}) == len(found)
    for each in found:
        assert each.answer == context[each.start : each.end]
        assert each.answer == each.answer.strip()
        assert not context[each.end :].startswith(("\u0301", "🏽"))
    assert sum(each.answer == "" for each in found) == 1
    assert {"cafe\u0301", "👍🏽", "now"} <= {each.answer for each in found}


def test_answers_without_top_k_are_absent() -> None:
    run = run_of([QuestionRow("who", "one two")], 32)
    [found] = decode(question_head(), run, Parameters(), ScoreBudget(PLENTY))

    assert isinstance(found, QuestionAnsweringPrediction)
    assert found.answers is None


def test_a_question_is_answered_as_it_is_alone() -> None:
    rows = [QuestionRow("a", "x " * 30), QuestionRow("b", ""), QuestionRow("c", "y z")]
    run = run_of(rows, 12)
    together = decode(question_head(), run, Parameters(top_k=4), ScoreBudget(PLENTY))

    for index, (row, encoded, outputs) in enumerate(run.by_input()):
        alone = RunRows([row], [encoded], outputs)
        assert decode(question_head(), alone, Parameters(top_k=4), ScoreBudget(PLENTY)) == [
            together[index]
        ]


def test_an_empty_context_has_no_answer_for_sure() -> None:
    [only] = answers_of(run_of([QuestionRow("who", " \n")], 16), 5)

    assert (only.answer, only.score) == ("", 1.0)


def test_huge_logits_do_not_overflow() -> None:
    run = run_of([QuestionRow("who", "one two")], 16)
    run.outputs[0][:] = -3e38
    run.outputs[0][3] = 3e38

    assert answers_of(run, 1)[0].score == 1.0


def test_an_output_that_is_not_finite_gives_no_prediction() -> None:
    run = run_of([QuestionRow("who", "one")], 16)
    run.outputs[0][1, 1] = math.nan

    with pytest.raises(UnusableOutput, match="question_answering head"):
        answers_of(run, 1)
