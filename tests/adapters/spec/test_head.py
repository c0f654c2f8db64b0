"""Heads: which labels, inputs and last layers go with which kind."""

import json

import pytest
from pydantic import ValidationError

from multitap_adapters.spec import Head, HeadLayer


def head_of(kind: str, *, input_: str, labels: int = 0, out: int | None = None) -> Head:
    layers = [] if out is None else [{"out": out}]
    document = {
        "kind": kind,
        "input": input_,
        "labels": [f"label {index}" for index in range(labels)],
        "layers": layers,
    }
    return Head.model_validate_json(json.dumps(document))


@pytest.mark.parametrize(
    ("kind", "input_", "labels", "out"),
    [
        ("classification", "cls", 2, 2),
        ("classification", "mean", 77, 77),
        ("multilabel", "mean", 1, 1),
        ("regression", "cls", 0, 1),
        ("tagging", "tokens", 1, 1),
        ("question_answering", "tokens", 0, 2),
        ("embedding", "mean", 0, None),
        ("embedding", "cls", 0, 128),
    ],
)
def test_each_kind_has_its_labels_input_and_outputs(
    kind: str, input_: str, labels: int, out: int | None
) -> None:
    assert head_of(kind, input_=input_, labels=labels, out=out).kind == kind


@pytest.mark.parametrize(
    ("kind", "input_", "labels", "out", "message"),
    [
        ("classification", "cls", 1, 1, "needs 2 labels or more, got 1"),
        ("multilabel", "cls", 0, 1, "needs 1 labels or more, got 0"),
        ("tagging", "tokens", 0, 1, "needs 1 labels or more, got 0"),
        ("regression", "cls", 1, 1, "has no labels, got 1"),
        ("question_answering", "tokens", 2, 2, "has no labels, got 2"),
        ("embedding", "mean", 1, None, "has no labels, got 1"),
        ("classification", "tokens", 2, 2, "cannot have input 'tokens'"),
        ("tagging", "cls", 2, 2, "cannot have input 'cls'"),
        ("question_answering", "mean", 0, 2, "cannot have input 'mean'"),
        ("classification", "cls", 3, 2, "must have out 3, got 2"),
        ("classification", "cls", 3, None, "must have out 3, got None"),
        ("regression", "cls", 0, 2, "must have out 1, got 2"),
        ("question_answering", "tokens", 0, 1, "must have out 2, got 1"),
    ],
)
def test_a_head_that_does_not_fit_its_kind_is_refused(
    kind: str, input_: str, labels: int, out: int | None, message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        head_of(kind, input_=input_, labels=labels, out=out)


def test_labels_are_distinct() -> None:
    with pytest.raises(ValidationError, match="labels must be distinct"):
        Head(kind="classification", labels=("a", "a"), input="cls", layers=(HeadLayer(out=2),))


@pytest.mark.parametrize("label", ["", "x" * 201])
def test_a_label_has_one_to_two_hundred_characters(label: str) -> None:
    with pytest.raises(ValidationError, match="string_too"):
        Head(kind="multilabel", labels=(label,), input="cls", layers=(HeadLayer(out=1),))


def test_only_an_embedding_can_be_normalized() -> None:
    assert Head(kind="embedding", input="mean", normalize=True).normalize
    with pytest.raises(ValidationError, match="normalize belongs to an embedding head"):
        Head(kind="regression", input="cls", layers=(HeadLayer(out=1),), normalize=True)


@pytest.mark.parametrize("out", [0, 65_537])
def test_a_layers_size_has_bounds(out: int) -> None:
    with pytest.raises(ValidationError, match="out"):
        HeadLayer(out=out)
