"""Multilabel, regression and embedding: against their formulas."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoding_runs import decode_pooled, pooled_head
from multitap.predictions import EmbeddingPrediction, MultilabelPrediction, RegressionPrediction
from multitap.wire import Parameters
from multitap_adapters.spec import HeadKind
from multitap_server.decoding.multilabel import sigmoid
from multitap_server.errors import TooLarge, UnusableOutput

LABELS = ("joy", "anger", "fear")
Logits = st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=3, max_size=3)


def labels_of(
    logits: list[float], *, threshold: float | None = None, top_k: int | None = None
) -> list[tuple[str, float]]:
    parameters = Parameters(threshold=threshold, top_k=top_k)
    [found] = decode_pooled(pooled_head("multilabel", LABELS), [logits], parameters)
    assert isinstance(found, MultilabelPrediction)
    return [(each.label, each.score) for each in found.labels]


def vector_of(values: list[float], *, own: bool, asked: bool | None = None) -> list[float]:
    head = pooled_head("embedding", out=len(values), normalize=own)
    [found] = decode_pooled(head, [values], Parameters(normalize=asked))
    assert isinstance(found, EmbeddingPrediction)
    return found.embedding


def test_a_label_s_score_is_its_own_sigmoid() -> None:
    found = labels_of([0.0, 2.0, -1.0])

    assert found == [("anger", pytest.approx(1 / (1 + math.exp(-2)))), ("joy", 0.5)]


def test_a_score_at_the_threshold_reaches_it() -> None:
    assert [label for label, _ in labels_of([0.0, -0.001, -9.0])] == ["joy"]


def test_another_threshold_may_let_all_or_none_through() -> None:
    assert [label for label, _ in labels_of([0.0, 2.0, -1.0], threshold=0)] == [
        "anger",
        "joy",
        "fear",
    ]
    assert labels_of([0.0, 2.0, -1.0], threshold=0.9) == []


def test_top_k_keeps_the_best_of_those_that_reach_the_threshold() -> None:
    assert [label for label, _ in labels_of([1.0, 2.0, 3.0], top_k=2)] == ["fear", "anger"]
    assert [label for label, _ in labels_of([-1.0, 2.0, -3.0], top_k=2)] == ["anger"]


def test_equal_scores_stand_in_the_order_of_the_labels() -> None:
    assert [label for label, _ in labels_of([1.0, 2.0, 1.0])] == ["anger", "joy", "fear"]


@given(Logits)
def test_scores_fall_and_lie_between_0_and_1(logits: list[float]) -> None:
    scores = [score for _, score in labels_of(logits, threshold=0)]

    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


@given(st.floats(-700, 700))
def test_the_sigmoid_is_its_formula(logit: float) -> None:
    assert sigmoid(np.array([logit]))[0] == pytest.approx(1 / (1 + math.exp(-logit)), rel=1e-12)


def test_more_labels_than_an_answer_may_hold_are_too_large() -> None:
    head = pooled_head("multilabel", LABELS)

    assert len(decode_pooled(head, [[1.0, 1.0, 1.0]], limit=3)) == 1
    assert len(decode_pooled(head, [[1.0, -1.0, -1.0]] * 3, limit=3)) == 3
    with pytest.raises(TooLarge, match="the answer has more than 2 scores"):
        decode_pooled(head, [[1.0, 1.0, 1.0]], limit=2)


def test_a_regression_s_value_is_the_output_as_it_is() -> None:
    found = decode_pooled(pooled_head("regression"), [[3.25], [-1e9]])

    assert found == [RegressionPrediction(value=3.25), RegressionPrediction(value=-1e9)]


@pytest.mark.parametrize(
    ("own", "asked", "expected"),
    [
        (False, None, [3.0, -4.0]),
        (True, None, [0.6, -0.8]),
        (False, True, [0.6, -0.8]),
        (True, False, [3.0, -4.0]),
    ],
)
def test_an_embedding_is_scaled_where_the_call_says_so_or_else_the_head(
    own: bool,  # noqa: FBT001  parametrized
    asked: bool | None,  # noqa: FBT001  parametrized
    expected: list[float],
) -> None:
    assert vector_of([3.0, -4.0], own=own, asked=asked) == pytest.approx(expected, abs=1e-12)


def test_a_vector_of_zeros_stays_one() -> None:
    assert vector_of([0.0, 0.0], own=True) == [0.0, 0.0]


def test_a_vector_whose_squares_exceed_single_precision_has_length_one() -> None:
    assert vector_of([3e30, 4e30], own=True) == pytest.approx([0.6, 0.8], abs=1e-6)


@pytest.mark.parametrize("kind", ["regression", "embedding"])
def test_an_output_that_is_not_finite_gives_no_prediction(kind: HeadKind) -> None:
    with pytest.raises(UnusableOutput, match=f"{kind} head"):
        decode_pooled(pooled_head(kind), [[math.nan]])
