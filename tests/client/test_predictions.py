"""Predictions are read as the type that the answer's kind names."""

from typing import Any, get_args

import httpx
import pytest

from client.documents import ANSWER
from multitap import (
    ClassificationPrediction,
    EmbeddingPrediction,
    MultilabelPrediction,
    PredictAnswer,
    QuestionAnsweringPrediction,
    RegressionPrediction,
    RowAnswer,
    ServerError,
    TaggingPrediction,
)
from multitap.answers import parse
from multitap.predictions import PREDICTIONS, Prediction
from multitap.wire import HeadKind

SPAN = {"answer": "he", "score": 0.5, "start": 3, "end": 5}
EXAMPLES: dict[str, tuple[type[Prediction], dict[str, object]]] = {
    "classification": (
        ClassificationPrediction,
        {"label": "a", "score": 0.5, "scores": [{"label": "a", "score": 0.5}]},
    ),
    "multilabel": (MultilabelPrediction, {"labels": [{"label": "a", "score": 0.5}]}),
    "regression": (RegressionPrediction, {"value": 3.5}),
    "tagging": (
        TaggingPrediction,
        {"entities": [{"label": "PER", "score": 0.5, "text": "he", "start": 0, "end": 2}]},
    ),
    "question_answering": (QuestionAnsweringPrediction, {**SPAN, "answers": [SPAN]}),
    "embedding": (EmbeddingPrediction, {"embedding": [0.25, -1.0]}),
}


def answer_of(kind: str, prediction: object) -> dict[str, object]:
    return ANSWER | {"kind": kind, "predictions": [prediction]}


def test_every_kind_has_a_type() -> None:
    assert set(PREDICTIONS) == set(get_args(HeadKind)) == set(EXAMPLES)
    assert set(PREDICTIONS.values()) == set(get_args(Prediction))


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_prediction_has_the_type_of_its_kind(kind: str) -> None:
    model, document = EXAMPLES[kind]
    answer = parse(PredictAnswer, httpx.Response(200, json=answer_of(kind, document)))

    [prediction] = answer.predictions
    assert type(prediction) is model
    assert prediction.model_dump() == document
    assert answer.typed(model) == [prediction]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_fields_of_a_newer_server_are_ignored_whatever_they_are_called(kind: str) -> None:
    """Even all the fields of all the other kinds change nothing: the kind decides."""
    model, document = EXAMPLES[kind]
    everything: dict[str, object] = {"newer": 1}
    for _, other in EXAMPLES.values():
        everything |= other
    answer = PredictAnswer.model_validate(answer_of(kind, everything | document))

    assert type(answer.predictions[0]) is model


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_row_s_prediction_has_the_type_of_its_kind(kind: str) -> None:
    model, document = EXAMPLES[kind]
    row: dict[str, Any] = {"task": "t", "version": 1, "digest": "d", "kind": kind}
    answer = RowAnswer.model_validate(row | {"prediction": document})

    assert type(answer.prediction) is model
    assert answer.typed(model).model_dump() == document


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_prediction_of_another_kind_is_no_answer(kind: str) -> None:
    others = [document for name, (_, document) in EXAMPLES.items() if name != kind]

    for document in others:
        with pytest.raises(ServerError, match="the answer is no PredictAnswer: predictions"):
            parse(PredictAnswer, httpx.Response(200, json=answer_of(kind, document)))


def test_a_server_does_not_mix_up_its_own_types() -> None:
    with pytest.raises(ValueError, match="predictions"):
        PredictAnswer.model_validate(answer_of("tagging", RegressionPrediction(value=1.0)))


def test_asking_for_another_type_than_the_answer_has_is_a_type_error() -> None:
    answer = PredictAnswer.model_validate(ANSWER)

    with pytest.raises(
        TypeError, match="is a ClassificationPrediction, expected TaggingPrediction"
    ):
        answer.typed(TaggingPrediction)
