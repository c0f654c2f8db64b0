"""Labelled parts of a text: each word's label from its first token, and neighbours joined.

A word's score is the probability of its label, an entity's the mean of its words' scores.
Shapes: W words, L labels.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np

from multitap.predictions import Entity, Prediction, TaggingPrediction
from multitap.wire import Parameters
from multitap_adapters.entities import Group, group_words, label_roles
from multitap_adapters.spec import Head
from multitap_server.engine.contract import EncodedWords, Output, Row, TextRow, TokensRow

from .budget import ScoreBudget
from .run_rows import Floats, RunRows, require_finite, softmax


def decode_tagging(
    head: Head, run: RunRows, parameters: Parameters, budget: ScoreBudget
) -> list[Prediction]:
    """Return each text's entities; with the aggregation `token`, every word and its label."""
    roles = label_roles(head.labels)
    predictions: list[Prediction] = []
    for row, encoded, outputs in run.by_input():
        assert isinstance(encoded, EncodedWords)  # noqa: S101  as this kind is encoded
        scores_WL = _word_scores(encoded, outputs, head.kind)
        chosen: list[int] = scores_WL.argmax(axis=1).tolist()
        best: list[float] = scores_WL.max(axis=1, initial=0.0).tolist()
        if parameters.aggregation == "token":
            groups = [Group(head.labels[label], w, w) for w, label in enumerate(chosen)]
        else:
            groups = group_words(roles, chosen)
        budget.spend(len(groups))
        predictions.append(TaggingPrediction(entities=list(_entities(row, encoded, groups, best))))
    return predictions


def _word_scores(encoded: EncodedWords, outputs: Sequence[Output], kind: str) -> Floats:
    starts = [0, *accumulate(len(output) for output in outputs)]
    tokens = [starts[place.window] + place.token for place in encoded.places]
    logits_WL = np.concatenate(outputs)[tokens].astype(np.float64)
    return softmax(require_finite(logits_WL, kind))


def _entities(
    row: Row, encoded: EncodedWords, groups: Sequence[Group], best: Sequence[float]
) -> Iterator[Entity]:
    spans = [encoded.spans[place.word] for place in encoded.places]
    for group in groups:
        scores = best[group.first : group.last + 1]
        start, end = spans[group.first][0], spans[group.last][1]
        score = sum(scores) / len(scores)
        text = _text(row, start, end)
        yield Entity(label=group.name, score=score, text=text, start=start, end=end)


def _text(row: Row, start: int, end: int) -> str:
    assert isinstance(row, TextRow | TokensRow)  # noqa: S101  as this kind is encoded
    return row.text[start:end] if isinstance(row, TextRow) else " ".join(row.tokens[start:end])
