"""Classification: from logits to labels and scores."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoding_runs import decode_pooled, pooled_head
from multitap.predictions import ClassificationPrediction
from multitap.wire import Parameters
from multitap_server.decoding.run_rows import softmax
from multitap_server.errors import UnusableOutput

Logits = st.lists(
    st.floats(min_value=-(2.0**120), max_value=2.0**120, width=32), min_size=2, max_size=6
)


def decode_all(rows: list[list[float]], top_k: int | None = None) -> list[ClassificationPrediction]:
    parameters = Parameters() if top_k is None else Parameters(top_k=top_k)
    head = pooled_head("classification", [f"l{index}" for index in range(len(rows[0]))])
    found = decode_pooled(head, rows, parameters)
    return [each for each in found if isinstance(each, ClassificationPrediction)]


def decode_one(logits: list[float], top_k: int | None = None) -> ClassificationPrediction:
    [prediction] = decode_all([logits], top_k)
    return prediction


def ranked(prediction: ClassificationPrediction) -> list[str]:
    return [each.label for each in prediction.scores or []]


def test_the_score_is_the_softmax() -> None:
    prediction = decode_one([0.0, math.log(3)])

    assert prediction.label == "l1"
    assert prediction.score == pytest.approx(0.75, abs=1e-7)


def test_equal_scores_stand_in_the_order_of_the_labels() -> None:
    assert decode_one([1.0, 2.0, 2.0]).label == "l1"
    assert ranked(decode_one([1.0, 2.0, 2.0], top_k=3)) == ["l1", "l2", "l0"]


def test_top_k_may_exceed_the_labels() -> None:
    assert len(ranked(decode_one([1.0, 2.0], top_k=10))) == 2


@given(Logits)
def test_scores_are_finite_sum_to_one_and_fall(logits: list[float]) -> None:
    scores = [each.score for each in decode_one(logits, top_k=len(logits)).scores or []]

    assert sum(scores) == pytest.approx(1)
    assert scores == sorted(scores, reverse=True)


@given(Logits)
def test_the_label_is_the_same_with_and_without_top_k(logits: list[float]) -> None:
    alone, best = decode_one(logits), decode_one(logits, top_k=1)

    assert (alone.label, alone.score) == (best.label, best.score)


@given(Logits)
def test_a_row_is_decoded_as_it_is_alone(logits: list[float]) -> None:
    first, _ = decode_all([logits, [0.0] * len(logits)], top_k=3)

    assert first == decode_one(logits, top_k=3)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_logit_that_is_not_finite_gives_no_prediction(value: float) -> None:
    with pytest.raises(UnusableOutput, match="classification head"):
        decode_one([0.0, value])


def test_huge_logits_do_not_overflow() -> None:
    assert softmax(np.array([[3e38, -3e38]])).tolist() == [[1.0, 0.0]]
