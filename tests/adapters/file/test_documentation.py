"""docs/adapter-file.md against the code: its example, its tables, its bytes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from jsonschema import Draft202012Validator

from adapter_bytes import spec_text, split
from multitap_adapters.file import FileLimits, parse_adapter, tensor_shapes
from multitap_adapters.file.schema import spec_schema
from multitap_adapters.spec import AdapterSpec

PAGE = Path(__file__).parents[3] / "docs" / "adapter-file.md"
TINY = Path(__file__).parent / "corpus" / "format-1-tiny.safetensors"

EVERY_OPTION = (
    '{"method":"bottleneck","size":1,"scaling":"channel","new_norm_before":true,'
    '"new_norm_after":true}',
    '{"method":"lora","projections":["query"],"r":1,"alpha":1,"bias":true}',
    '{"method":"ia3","outputs":["key"],"inputs":["key"]}',
    '{"method":"layer_norm"}',
    '{"method":"invertible","size":1}',
)


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tiny() -> bytes:
    return TINY.read_bytes()


def block(page: str, language: str) -> str:
    match = re.search(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert match is not None
    return match[1]


def fields_of(schema: object) -> Iterator[str]:
    """Yield the name of every property in a schema, at any depth."""
    if isinstance(schema, dict):
        members = cast("dict[str, object]", schema)
        yield from cast("dict[str, object]", members.get("properties", {}))
        for member in members.values():
            yield from fields_of(member)


def test_the_example_satisfies_the_schema_and_the_reader(page: str) -> None:
    text = block(page, "json")
    validator = Draft202012Validator(spec_schema())
    validator.validate(json.loads(text))  # pyright: ignore[reportUnknownMemberType] (typed in part)
    assert AdapterSpec.model_validate_json(text).head.labels == ("negative", "positive")


def test_every_field_of_the_specification_is_on_the_page(page: str) -> None:
    fields = set(fields_of(spec_schema()))
    assert len(fields) > 40
    assert [field for field in sorted(fields) if not re.search(rf'[`"]{field}[`"]', page)] == []


def test_every_choice_of_the_specification_is_on_the_page(page: str) -> None:
    choices = re.findall(r'"enum": \[(.*?)\]', json.dumps(spec_schema()))
    names = {name for choice in choices for name in re.findall(r'"(\w+)"', choice)}
    assert {"gelu_tanh", "ffn_down", "question_answering", "channel"} <= names
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_the_limits_on_the_page_are_the_readers(page: str) -> None:
    limits = FileLimits()
    assert f"| the file | {limits.size_bytes >> 20} MiB; a setting |" in page
    assert f"| the header | {limits.header_bytes >> 20} MiB, " in page
    assert f"| tensors | {limits.tensors:,}; a setting |" in page


def test_the_rows_of_the_dump_are_the_files_bytes(page: str, tiny: bytes) -> None:
    rows = re.findall(r"^([0-9a-f]{8})  ((?:[0-9a-f]{2} ?)+)$", page, re.MULTILINE)
    assert len(rows) == 5
    for offset, values in rows:
        start = int(offset, 16)
        assert tiny[start : start + 16] == bytes.fromhex(values)
    assert int(rows[-1][0], 16) + len(bytes.fromhex(rows[-1][1])) == len(tiny)


def test_the_specification_on_the_page_is_the_files(page: str, tiny: bytes) -> None:
    assert block(page, "text") == spec_text(tiny) + "\n"


def test_the_tensors_on_the_page_are_the_files(page: str, tiny: bytes) -> None:
    header, data = split(tiny)
    rows = re.findall(
        r"^\| `([\w.]+)` \| (\w+) \| (\[[\d, ]+\]) \| (\d+), (\d+) \| [^|]+ \| `([0-9a-f ]+)` \|$",
        page,
        re.MULTILINE,
    )
    described = {
        name: {"dtype": dtype, "shape": json.loads(shape), "data_offsets": [int(begin), int(end)]}
        for name, dtype, shape, begin, end, _ in rows
    }
    assert described == {name: entry for name, entry in header.items() if name != "__metadata__"}
    assert b"".join(bytes.fromhex(row[5]) for row in rows) == data


def test_the_digest_on_the_page_is_the_files(page: str, tiny: bytes) -> None:
    adapter = parse_adapter(tiny)
    assert f"It has {adapter.size_bytes:,} bytes, and its digest is `{adapter.digest}`." in page


def test_every_tensor_of_every_method_is_in_the_table(page: str) -> None:
    module_names = {
        re.sub(r"^modules\.\d+\.(layers\.\d+\.\w+|embeddings)\.", "", name)
        for module in EVERY_OPTION
        for name in tensor_shapes(AdapterSpec.model_validate_json(with_modules(page, module)))
        if name.startswith("modules.")
    }
    assert len(module_names) == 23
    assert [name for name in sorted(module_names) if f"`{name}`" not in page] == []


def with_modules(page: str, module: str) -> str:
    document = json.loads(block(page, "json"))
    return json.dumps(document | {"modules": [json.loads(module)]})
