"""Configurations are bounded, strict JSON, and every value is checked as it is taken."""

from collections.abc import Callable
from pathlib import Path

import pytest

from multitap_adapters.importing.errors import FolderRefused
from multitap_adapters.importing.settings import Settings, read_settings


@pytest.fixture
def settings() -> Settings:
    return Settings(
        {
            "flag": True,
            "text": "a",
            "whole": 4.0,
            "part": 2.5,
            "layers": [3, 1, 3],
            "texts": ["a", "b"],
            "inner": {"b": 2, "a": 1.5},
            "null": None,
        },
        "a.json",
    )


def test_values_come_with_their_types(settings: Settings) -> None:
    assert settings.flag("flag", default=False)
    assert settings.text("text") == "a"
    assert settings.integer("whole", 0) == 4
    assert settings.number("part", 0.0) == 2.5
    assert settings.layers("layers") == (1, 3)
    assert settings.texts("texts") == ("a", "b")
    assert settings.numbers("inner") == {"b": 2.0, "a": 1.5}


def test_what_is_not_there_has_its_default_and_null_is_nothing(settings: Settings) -> None:
    assert settings.flag("other", default=True)
    assert not settings.flag("null", default=True)
    assert settings.number("null", 7.0) == 7.0
    assert settings.layers("null") == ()
    assert settings.inner("other") is None
    assert "null" not in settings


@pytest.mark.parametrize("name", ["layers", "texts"])
def test_one_value_alone_is_a_list(name: str) -> None:
    found = Settings({"layers": 2, "texts": "a"}, "a.json")

    assert getattr(found, name)(name) in ((2,), ("a",))


Take = Callable[[Settings], object]
_WRONG: list[tuple[Take, str]] = [
    (lambda s: s.flag("text", default=True), "text in a.json is 'a', not true or false"),
    (lambda s: s.text("flag"), "flag in a.json is True, not a text"),
    (lambda s: s.integer("part", 0), "part in a.json is 2.5, not an integer"),
    (lambda s: s.number("flag", 0.0), "flag in a.json is True, not a number"),
    (lambda s: s.layers("texts"), "texts in a.json is ['a', 'b'], not layer indices"),
    (lambda s: s.texts("layers"), "layers in a.json is [3, 1, 3], not a list of texts"),
    (lambda s: s.inner("text"), "text in a.json is 'a', not an object"),
]


@pytest.mark.parametrize(("take", "expected"), _WRONG)
def test_a_value_of_another_type_is_refused_with_its_place(
    settings: Settings, take: Take, expected: str
) -> None:
    with pytest.raises(FolderRefused) as error:
        take(settings)

    assert str(error.value) == expected


def test_a_configuration_of_fifty_megabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "adapter_config.json"
    with path.open("wb") as file:
        file.write(b'{"a": "')
        file.truncate(50_000_000)

    with pytest.raises(FolderRefused, match=r"is larger than 1048576 bytes$"):
        read_settings(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[]", "holds no JSON object"),
        (b"{", "not JSON"),
        (b"\xff{}", "is not UTF-8 at byte 0"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": 1, "a": 2}', "duplicate key 'a'"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested deeper than 16 levels"),
        (b'{"r": ' + b"9" * 5_000 + b"}", "an integer of 5000 characters"),
    ],
)
def test_what_is_no_plain_json_object_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "a.json").write_bytes(data)

    with pytest.raises(FolderRefused, match=message):
        read_settings(tmp_path / "a.json")
