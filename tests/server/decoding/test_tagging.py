"""Tagging without an engine: which output a word is read from, and its score."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoding_runs import PLENTY
from every_kind import TAGS, tagging_head
from fake_engine import word_tokenizer
from multitap.predictions import Entity, TaggingPrediction
from multitap.wire import Parameters
from multitap_server.decoding import RunRows, ScoreBudget, decode
from multitap_server.engine.contract import EncodedWords, Output, TextRow, TokensRow
from multitap_server.engine.tokenizing import encode_words
from multitap_server.errors import TooLarge, UnusableOutput

WORDS = Parameters(aggregation="token")


def run_of(rows: list[TextRow | TokensRow], max_tokens: int, *, seed: int = 0) -> RunRows:
    """Return rows with random outputs."""
    encoded = encode_words(word_tokenizer(), rows, max_tokens=max_tokens)
    generator = np.random.default_rng(seed)
    outputs: list[Output] = [
        generator.normal(0, 2, (len(row.token_ids), len(TAGS))).astype(np.float32)
        for each in encoded
        for row in each.rows
    ]
    return RunRows(rows, encoded, outputs)


def entities_of(run: RunRows, parameters: Parameters) -> list[list[Entity]]:
    found = decode(tagging_head(), run, parameters, ScoreBudget(PLENTY))
    return [each.entities for each in found if isinstance(each, TaggingPrediction)]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=4), st.integers(3, 16))
def test_every_word_is_read_at_its_place_in_its_window(counts: list[int], max_tokens: int) -> None:
    texts: list[TextRow | TokensRow] = [TextRow("a " * count) for count in counts]
    run = run_of(texts, max_tokens)

    found = entities_of(run, WORDS)

    for index, (_, encoded, outputs) in enumerate(run.by_input()):
        assert isinstance(encoded, EncodedWords)
        assert len(found[index]) == counts[index]
        for entity, place in zip(found[index], encoded.places, strict=True):
            logits: list[float] = outputs[place.window][place.token].tolist()
            powers = [math.exp(logit) for logit in logits]
            best = max(range(len(TAGS)), key=powers.__getitem__)
            assert entity.label == TAGS[best]
            assert entity.score == pytest.approx(powers[best] / sum(powers), rel=1e-9)
            assert (entity.start, entity.end) == (2 * place.word, 2 * place.word + 1)


def test_an_entity_over_two_windows_is_one() -> None:
    run = run_of([TextRow("a " * 12)], 8)
    begins, inside = TAGS.index("B-LOC"), TAGS.index("I-LOC")
    for output in run.outputs:
        output[:] = np.eye(len(TAGS), dtype=np.float32)[inside] * 9
    run.outputs[0][1] = np.eye(len(TAGS), dtype=np.float32)[begins] * 9

    [[entity]] = entities_of(run, Parameters())

    assert len(run.outputs) > 2
    assert (entity.label, entity.start, entity.end) == ("LOC", 0, 23)


def test_the_text_of_tokens_joins_them() -> None:
    run = run_of([TokensRow(("New", "York City", "!"))], 16)
    run.outputs[0][:] = np.eye(len(TAGS), dtype=np.float32)[TAGS.index("I-LOC")]

    [[entity]] = entities_of(run, Parameters())

    assert (entity.text, entity.start, entity.end) == ("New York City !", 0, 3)


def test_a_run_without_any_word_is_answered() -> None:
    assert entities_of(run_of([TextRow(""), TextRow("a")], 8), WORDS)[0] == []


def test_more_entities_than_the_answer_may_hold_are_too_large() -> None:
    run = run_of([TextRow("a b"), TextRow("c d")], 8)

    with pytest.raises(TooLarge, match="more than 3 scores"):
        decode(tagging_head(), run, WORDS, ScoreBudget(3))
    assert len(decode(tagging_head(), run, WORDS, ScoreBudget(4))) == 2


def test_an_output_that_is_not_finite_gives_no_prediction() -> None:
    run = run_of([TextRow("a b")], 8)
    run.outputs[0][2, 0] = math.inf

    with pytest.raises(UnusableOutput, match="tagging head"):
        entities_of(run, WORDS)
