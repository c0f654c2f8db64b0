"""Canonical JSON: one text for one document."""

import pytest

from multitap_adapters.file import canonical_json


def test_keys_are_sorted_at_every_level_and_there_are_no_spaces() -> None:
    assert canonical_json({"b": [1, {"d": None, "c": True}], "a": "x y"}) == (
        b'{"a":"x y","b":[1,{"c":true,"d":null}]}'
    )


def test_keys_are_sorted_by_code_point() -> None:
    assert list(canonical_json({"\uffff": 1, "\U0001f600": 2, "Z": 3, "a": 4}).decode()) == list(
        '{"Z":3,"a":4,"\uffff":1,"\U0001f600":2}'
    )


def test_text_is_utf_8_and_only_what_must_be_is_escaped() -> None:
    assert (
        canonical_json('\u00e9\u2028/"\\\n\x01\x7f')
        == '"\u00e9\u2028/\\"\\\\\\n\\u0001\x7f"'.encode()
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, b"1"), (1.0, b"1.0"), (0.1, b"0.1"), (1e-5, b"1e-05"), (1e22, b"1e+22"), (-0.0, b"-0.0")],
)
def test_numbers_are_written_as_python_writes_them(number: float, text: bytes) -> None:
    assert canonical_json(number) == text


@pytest.mark.parametrize("document", [float("nan"), [float("inf")], "\ud800"])
def test_what_json_cannot_say_is_refused(document: float | list[float] | str) -> None:
    with pytest.raises(ValueError, match=r"JSON|surrogates"):
        canonical_json(document)
