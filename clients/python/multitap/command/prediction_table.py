"""Predictions as tables for people: the columns that each kind of task needs."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from rich.table import Table

from multitap.predictions import (
    AnswerSpan,
    ClassificationPrediction,
    EmbeddingPrediction,
    LabelScore,
    MultilabelPrediction,
    Prediction,
    QuestionAnsweringPrediction,
    RegressionPrediction,
    TaggingPrediction,
)

from .console import table
from .inputs import InputValue
from .wording import shorten

Cells: TypeAlias = tuple[str, ...]

_TEXT_WIDTH: Final = 60
_PART_WIDTH: Final = 40
_SHOWN_VALUES: Final = 5
_NOTHING: Final = "-"
_COLUMNS: Final[Mapping[str, Cells]] = MappingProxyType(
    {
        "classification": ("label", "score"),
        "multilabel": ("label", "score"),
        "regression": ("value",),
        "tagging": ("entity", "label", "score", "place"),
        "question_answering": ("answer", "score", "place"),
        "embedding": ("size", "embedding"),
    }
)
_NUMBERS: Final = ("score", "value", "place", "size")


def prediction_table(kind: str, rows: Sequence[tuple[InputValue, Prediction]]) -> Table:
    """Return the table of one kind's predictions, in the order of their inputs."""
    columns = _COLUMNS[kind]
    filled = table("text", *columns, right=_NUMBERS)
    for value, prediction in rows:
        text = shorten(_text(value), _TEXT_WIDTH)
        lines = list(_lines(prediction)) or [(_NOTHING, *[""] * (len(columns) - 1))]
        for index, cells in enumerate(lines):
            filled.add_row("" if index else text, *cells)
    return filled


def _lines(prediction: Prediction) -> Iterator[Cells]:
    match prediction:
        case ClassificationPrediction():
            best = LabelScore(label=prediction.label, score=prediction.score)
            yield from _labels(prediction.scores or [best])
        case MultilabelPrediction():
            yield from _labels(prediction.labels)
        case RegressionPrediction():
            yield (f"{prediction.value:.3f}",)
        case TaggingPrediction():
            for each in prediction.entities:
                text = shorten(each.text, _PART_WIDTH)
                yield text, each.label, _score(each.score), f"{each.start}-{each.end}"
        case QuestionAnsweringPrediction():
            yield from map(_answer, prediction.answers or [prediction])
        case EmbeddingPrediction():
            yield str(len(prediction.embedding)), _vector(prediction.embedding)


def _labels(scores: Sequence[LabelScore]) -> Iterator[Cells]:
    for each in scores:
        yield each.label, _score(each.score)


def _answer(span: AnswerSpan) -> Cells:
    if not span.answer:
        return _NOTHING, _score(span.score), ""
    return shorten(span.answer, _PART_WIDTH), _score(span.score), f"{span.start}-{span.end}"


def _vector(values: Sequence[float]) -> str:
    shown = ", ".join(f"{value:.3f}" for value in values[:_SHOWN_VALUES])
    return f"{shown}, …" if len(values) > _SHOWN_VALUES else shown


def _score(score: float) -> str:
    return f"{score:.3f}"


def _text(value: InputValue) -> str:
    if isinstance(value, str):
        return value
    return " | ".join(each if isinstance(each, str) else " ".join(each) for each in value.values())
