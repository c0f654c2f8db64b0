"""Entities and answers of random outputs, each checked to be where it says that it is."""

import numpy as np

from every_kind import TAGS, question_head, tagging_head
from multitap.predictions import QuestionAnsweringPrediction, TaggingPrediction
from multitap.wire import Parameters
from multitap_adapters.tokenizer import Tokenizer
from multitap_server.decoding import RunRows, ScoreBudget, decode
from multitap_server.engine.contract import Encoded, Output, QuestionRow, Row, TextRow
from multitap_server.engine.tokenizing import encode_questions, encode_words

_PLENTY = 1_000_000


def count_parts(tokenizer: Tokenizer, text: str, seed: int, *, max_tokens: int = 16) -> int:
    """Tag a text and look for answers in it; return how many parts of it came back.

    Raises:
        AssertionError: one of them is not where it says, or has spaces around it.
    """
    return _count_entities(tokenizer, text, seed, max_tokens) + _count_answers(
        tokenizer, text, seed, max_tokens
    )


def _count_entities(tokenizer: Tokenizer, text: str, seed: int, max_tokens: int) -> int:
    row = TextRow(text)
    [words] = encode_words(tokenizer, [row], max_tokens=max_tokens)
    run = _random_run(row, words, len(TAGS), seed)
    parts = 0
    for parameters in (Parameters(), Parameters(aggregation="token")):
        [found] = decode(tagging_head(), run, parameters, ScoreBudget(_PLENTY))
        assert isinstance(found, TaggingPrediction)
        end = 0
        for each in found.entities:
            assert end <= each.start < each.end <= len(text)
            assert text[each.start : each.end] == each.text == each.text.strip()
            end = each.end
        parts += len(found.entities)
    return parts


def _count_answers(tokenizer: Tokenizer, text: str, seed: int, max_tokens: int) -> int:
    row = QuestionRow("who?", text)
    [question] = encode_questions(tokenizer, [row], max_tokens=max_tokens)
    run = _random_run(row, question, 2, seed)
    [found] = decode(question_head(), run, Parameters(top_k=50), ScoreBudget(_PLENTY))
    assert isinstance(found, QuestionAnsweringPrediction)
    assert found.answers is not None
    for each in found.answers:
        assert text[each.start : each.end] == each.answer == each.answer.strip()
        assert bool(each.answer) or (each.start, each.end) == (0, 0)
    return len(found.answers)


def _random_run(row: Row, encoded: Encoded, outputs: int, seed: int) -> RunRows:
    generator = np.random.default_rng(seed)
    arrays: list[Output] = [
        generator.normal(0, 2, (len(each.token_ids), outputs)).astype(np.float32)
        for each in encoded.rows
    ]
    return RunRows([row], [encoded], arrays)
