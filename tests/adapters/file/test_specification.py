"""From the specification's text to its model: formats, JSON traps, and paths of faults."""

import json

import pytest

from adapter_bytes import (
    every_method_spec,
    faults_of,
    file_for,
    head_only_spec,
    spec_text,
    with_spec,
    with_spec_text,
)
from multitap_adapters.file import parse_adapter


@pytest.fixture
def file() -> bytes:
    return file_for(every_method_spec())


def test_a_newer_format_is_named_and_nothing_else_is_said(file: bytes) -> None:
    newer = with_spec(with_spec(file, "format", 7), "modules", "something new")
    assert faults_of(newer) == ["spec.format: format 7 is newer than this reader knows, which is 1"]


@pytest.mark.parametrize("number", [0, -1, True, 1.0, "1", None, [1]])
def test_a_format_that_is_no_positive_integer_is_a_fault(file: bytes, number: object) -> None:
    assert faults_of(with_spec(file, "format", number)) == [
        f"spec.format: expected a format number from 1, got {number!r}"
    ]


def test_a_specification_without_its_format_is_refused(file: bytes) -> None:
    document = json.loads(spec_text(file))
    del document["format"]
    assert faults_of(with_spec_text(file, json.dumps(document))) == [
        "spec.format: expected a format number from 1, got None"
    ]


@pytest.mark.parametrize("text", ["[]", "1", '"text"', "null", "true"])
def test_a_specification_is_an_object(file: bytes, text: str) -> None:
    (fault,) = faults_of(with_spec_text(file, text))
    assert fault.startswith("spec: expected a JSON object, got ")


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", '{"a": 1}}', "\ufeff{}", "{} {}"])
def test_a_specification_that_is_not_json_is_a_fault(file: bytes, text: str) -> None:
    (fault,) = faults_of(with_spec_text(file, text))
    assert fault.startswith("spec: not JSON: ")


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ('"card":{"seed":1,"seed":2}', "spec.card: duplicate key 'seed'"),
        ('"format":1', "spec: duplicate key 'format'"),
        ('"max_tokens":NaN', "spec.max_tokens: NaN is not a JSON number"),
        ('"a":-Infinity', "spec.a: -Infinity is not a JSON number"),
        ('"a":1e999', "spec.a: number '1e999' is too large"),
        ('"a":' + "9" * 5_000, "spec.a: an integer of 5000 characters, expected at most 20"),
        ('"a":"\\u0000"', "spec.a: text with a NUL character: '\\x00'"),
        ('"a":["\\udc00"]', "spec.a.0: text with a lone surrogate: '\\udc00'"),
        ('"a":' + "[" * 17 + "]" * 17, "JSON is nested deeper than 16 levels"),
        ('"a":' + "[" * 50_000, "spec: JSON is nested deeper than 16 levels"),
        ('"a":' + '{"a":' * 50_000, "spec: JSON is nested deeper than 16 levels"),
    ],
    ids=lambda value: value[:24],
)
def test_json_that_readers_could_take_differently_is_refused(
    file: bytes, part: str, fault: str
) -> None:
    text = '{"format":1,' + part + "}"
    assert fault in faults_of(with_spec_text(file, text))[0]


def test_many_values_are_refused_before_they_become_many_faults(file: bytes) -> None:
    text = '{"format":1,"modules":[' + "1," * 32_768 + "1]}"
    assert faults_of(with_spec_text(file, text)) == [
        "spec: 32772 JSON values, expected at most 32768"
    ]


def test_a_missing_field_is_named_by_its_path(file: bytes) -> None:
    faults = faults_of(with_spec(file, "backbone", {}))
    assert "spec.backbone.hidden_size: is missing" in faults
    assert len(faults) == 8


def test_an_unknown_field_is_named_by_its_path(file: bytes) -> None:
    assert faults_of(with_spec(file, "modules.1.sizes", 3)) == [
        "spec.modules.1.sizes: extra inputs are not permitted, got 3"
    ]


def test_an_unknown_method_is_a_fault(file: bytes) -> None:
    (fault,) = faults_of(with_spec(file, "modules.1.method", "prefix"))
    assert fault.startswith("spec.modules.1: ")
    assert "'prefix'" in fault


def test_paths_carry_no_names_of_the_validators_branches(file: bytes) -> None:
    faults = faults_of(with_spec(file, "modules.1.size", [1, 0]))
    assert "spec.modules.1.size.1: should be greater than or equal to 1, got 0" in faults


def test_conditions_across_fields_are_faults_of_their_object(file: bytes) -> None:
    assert faults_of(with_spec(file, "head.labels", ["a", "a"])) == [
        "spec.head: labels must be distinct"
    ]


def test_every_wrong_field_is_said(file: bytes) -> None:
    broken = file
    for path in ("max_tokens", "head.kind", "modules.2.r", "card.licence", "backbone.digest"):
        broken = with_spec(broken, path, -5)
    assert {fault.partition(":")[0] for fault in faults_of(broken)} == {
        "spec.max_tokens",
        "spec.head.kind",
        "spec.modules.2.r",
        "spec.card.licence",
        "spec.backbone.digest",
    }


@pytest.mark.parametrize("value", ["16", 16.5, True, None])
def test_values_are_not_converted_silently(file: bytes, value: object) -> None:
    (fault,) = faults_of(with_spec(file, "max_tokens", value))
    assert fault.startswith("spec.max_tokens: ")


def test_a_specification_need_not_be_canonical_to_be_read(file: bytes) -> None:
    document = json.loads(spec_text(file))
    del document["card"], document["head"]["normalize"], document["modules"][1]["activation"]
    loose = with_spec_text(file, json.dumps(document, indent=2))
    assert parse_adapter(loose).spec == parse_adapter(file).spec
    assert parse_adapter(loose).digest != parse_adapter(file).digest


def test_an_odd_embedding_size_cannot_be_split_by_an_invertible_module() -> None:
    file = with_spec(file_for(every_method_spec()), "backbone.embedding_size", 3)
    assert "spec: modules.0 is invertible and needs an even embedding_size, got 3" in faults_of(
        file
    )


def test_an_odd_embedding_size_is_fine_without_one() -> None:
    assert faults_of(with_spec(file_for(head_only_spec()), "backbone.embedding_size", 3)) == []
