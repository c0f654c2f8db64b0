"""Which modules a configuration targets, by the rules of `peft`."""

import pytest

from multitap_adapters.file.strict_json import JsonValue
from multitap_adapters.importing.errors import FolderRefused
from multitap_adapters.importing.peft_targets import pattern_value, targeted
from multitap_adapters.importing.settings import Settings

MODULES = [
    f"bert.encoder.layer.{layer}.{part}"
    for layer in (0, 1, 11)
    for part in ("attention.self.query", "attention.output.dense", "output.dense")
] + ["bert.pooler.dense"]


def found(settings: dict[str, JsonValue], default: tuple[str, ...] | None = None) -> list[str]:
    names = targeted(Settings(settings, "a.json"), MODULES, default)
    return [name.removeprefix("bert.encoder.layer.") for name in names]


QUERIES = [f"{layer}.attention.self.query" for layer in (0, 1, 11)]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"target_modules": ["query"]}, QUERIES),
        ({"target_modules": ["self.query", "uery"]}, QUERIES),
        ({"target_modules": ["bert.pooler.dense"]}, ["bert.pooler.dense"]),
        (
            {"target_modules": ["output.dense"]},
            [
                name
                for layer in (0, 1, 11)
                for name in (f"{layer}.attention.output.dense", f"{layer}.output.dense")
            ],
        ),
        ({"target_modules": r".*layer\.1\..*query"}, ["1.attention.self.query"]),
        ({"target_modules": r"layer\.1\..*query"}, []),
        (
            {"target_modules": "All-Linear"},
            [m.removeprefix("bert.encoder.layer.") for m in MODULES],
        ),
        ({"target_modules": ["query"], "layers_to_transform": [1]}, ["1.attention.self.query"]),
        ({"target_modules": ["query"], "layers_to_transform": 11}, ["11.attention.self.query"]),
        ({"target_modules": ["query"], "layers_to_transform": []}, QUERIES),
        (
            {"target_modules": ["query"], "layers_to_transform": [0], "layers_pattern": "layer"},
            ["0.attention.self.query"],
        ),
        (
            {"target_modules": ["query"], "layers_to_transform": [0], "layers_pattern": ["h", ""]},
            [],
        ),
        (
            {
                "target_modules": ["dense"],
                "layers_to_transform": [0],
                "exclude_modules": ["output.dense"],
            },
            [],
        ),
        (
            {"target_modules": ["dense"], "exclude_modules": r".*encoder.*"},
            ["bert.pooler.dense"],
        ),
        ({"target_modules": ["pooler.dense"], "modules_to_save": ["pooler"]}, []),
        ({"target_modules": ["query"], "modules_to_save": ["que"]}, QUERIES),
    ],
)
def test_modules_are_targeted_as_peft_resolves_them(
    settings: dict[str, JsonValue], expected: list[str]
) -> None:
    assert found(settings) == expected


def test_without_targets_the_familys_default_is_taken() -> None:
    assert found({}, ("query",)) == QUERIES
    with pytest.raises(FolderRefused, match="names no target_modules, and there is no default"):
        found({})


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ({}, 8),
        ({"query": 1, ".*": 2}, 1),
        ({"value": 1, r"^.*layer\.1\..*query$": 2}, 2),
        ({"layer.1.*": 3}, 3),
        ({"er.1.*": 3}, 8),
        ({"bert.encoder.layer.1.attention.self.query": 4}, 4),
        ({"layer.11.*": 5}, 8),
    ],
)
def test_the_first_pattern_that_matches_a_names_end_counts(
    patterns: dict[str, int], expected: int
) -> None:
    assert pattern_value(patterns, "bert.encoder.layer.1.attention.self.query", 8) == expected


@pytest.mark.parametrize("pattern", ["(", "x" * 1_001])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(FolderRefused, match=r"is no regular expression|is too long"):
        found({"target_modules": pattern})
