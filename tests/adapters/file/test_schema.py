"""The JSON Schema in the documentation, and what it takes and refuses."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from adapter_bytes import every_method_spec, head_only_spec
from multitap_adapters.file.canonical import Json
from multitap_adapters.file.schema import spec_schema, spec_schema_text
from multitap_adapters.spec import AdapterSpec

SCHEMA = Path(__file__).parents[3] / "docs" / "adapter-spec.schema.json"


def satisfies_the_schema(document: dict[str, Json]) -> bool:
    validator = Draft202012Validator(spec_schema())
    return validator.is_valid(document)  # pyright: ignore[reportUnknownMemberType] (typed in part)


def test_the_documented_schema_is_current() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == spec_schema_text()


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(spec_schema())


@pytest.mark.parametrize("spec", [every_method_spec(), head_only_spec()], ids=["every", "head"])
def test_written_specifications_satisfy_the_schema(spec: AdapterSpec) -> None:
    assert satisfies_the_schema(spec.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("format", 2),
        ("unknown", 1),
        ("max_tokens", 2),
        ("modules", [{"method": "prefix"}]),
        ("head", {"kind": "classification"}),
        ("card", {"parent": "md5:0"}),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(part: str, value: Json) -> None:
    document = json.loads(head_only_spec().model_dump_json())
    assert satisfies_the_schema(document)
    assert not satisfies_the_schema(document | {part: value})


def test_only_the_format_lost_its_default() -> None:
    assert spec_schema()["required"] == ["format", "backbone", "max_tokens", "head"]
