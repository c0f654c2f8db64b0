"""What a task says of one input: a type for each kind of head; the answer's `kind` says which."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

from pydantic import ValidationError

from .message import Answer


class LabelScore(Answer):
    """A label and its probability."""

    label: str
    score: float


class ClassificationPrediction(Answer):
    """The most probable label; `scores` only where `top_k` was asked for."""

    label: str
    score: float
    scores: list[LabelScore] | None = None


class MultilabelPrediction(Answer):
    """The labels that reach the threshold, best first; there may be none."""

    labels: list[LabelScore]


class RegressionPrediction(Answer):
    """A number."""

    value: float


class Entity(Answer):
    """A labelled part of an input: `start` and `end` are code points of a text, or its tokens."""

    label: str
    score: float
    text: str
    start: int
    end: int


class TaggingPrediction(Answer):
    """The labelled parts of an input, in their order."""

    entities: list[Entity]


class AnswerSpan(Answer):
    """A part of the context, in code points; no answer is an empty text from 0 to 0."""

    answer: str
    score: float
    start: int
    end: int


class QuestionAnsweringPrediction(AnswerSpan):
    """The best answer; `answers`, itself among them, only where `top_k` was asked for."""

    answers: list[AnswerSpan] | None = None


class EmbeddingPrediction(Answer):
    """A vector."""

    embedding: list[float]


Prediction: TypeAlias = (
    ClassificationPrediction
    | MultilabelPrediction
    | RegressionPrediction
    | TaggingPrediction
    | QuestionAnsweringPrediction
    | EmbeddingPrediction
)
PREDICTIONS: Final[Mapping[str, type[Prediction]]] = MappingProxyType(
    {
        "classification": ClassificationPrediction,
        "multilabel": MultilabelPrediction,
        "regression": RegressionPrediction,
        "tagging": TaggingPrediction,
        "question_answering": QuestionAnsweringPrediction,
        "embedding": EmbeddingPrediction,
    }
)


PredictionT = TypeVar("PredictionT", bound=Prediction)


def require_prediction(value: Prediction, model: type[PredictionT]) -> PredictionT:
    """Return a prediction that is of this type. Raises: TypeError, where it is of another."""
    if not isinstance(value, model):
        raise TypeError(f"the prediction is a {type(value).__name__}, expected {model.__name__}")
    return value


def parse_prediction(kind: str, value: object) -> Prediction:
    """Return a prediction as the type of its kind. Raises: ValueError, in one line."""
    model = PREDICTIONS[kind]
    if isinstance(value, model):
        return value
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{place or kind}: {first['msg'].lower()}") from None
