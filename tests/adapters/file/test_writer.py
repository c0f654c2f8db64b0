"""Writing a file: the same bytes every time, and never a file that the reader refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import (
    load_file,  # pyright: ignore[reportUnknownVariableType] (untyped in part)
)

from adapter_bytes import (
    every_method_spec,
    head_only_spec,
    library_reads,
    spec_text,
    split,
    tensors_for,
)
from multitap_adapters.file import (
    AdapterFileError,
    FileLimits,
    TensorData,
    canonical_json,
    parse_adapter,
    serialize_adapter,
    tensor_shapes,
)
from multitap_adapters.spec import AdapterSpec


def faults_writing(spec: AdapterSpec, tensors: dict[str, TensorData]) -> list[str]:
    with pytest.raises(AdapterFileError) as caught:
        serialize_adapter(spec, tensors)
    return [str(fault) for fault in caught.value.faults]


def test_the_same_tensors_in_any_order_give_the_same_bytes() -> None:
    spec = every_method_spec()
    tensors = tensors_for(spec, dtypes=("F16", "F32"))
    backwards = dict(reversed(tensors.items()))
    assert serialize_adapter(spec, tensors) == serialize_adapter(spec, backwards)


def test_the_only_metadata_is_the_canonical_specification() -> None:
    spec = every_method_spec()
    header, _ = split(serialize_adapter(spec, tensors_for(spec)))
    text = canonical_json(spec.model_dump(mode="json")).decode()
    assert header["__metadata__"] == {"multitap": text}


def test_the_written_specification_holds_its_defaults() -> None:
    spec = head_only_spec()
    document = json.loads(spec_text(serialize_adapter(spec, tensors_for(spec))))
    assert document["format"] == 1
    assert document["head"]["normalize"] is False
    assert document["card"]["parent"] is None


def test_the_data_begins_at_a_multiple_of_eight() -> None:
    spec = head_only_spec()
    for length in range(1, 9):
        named = spec.model_copy(
            update={"card": spec.card.model_copy(update={"task": "t" * length})}
        )
        file = serialize_adapter(named, tensors_for(spec))
        assert int.from_bytes(file[:8], "little") % 8 == 0


def test_wide_values_stand_before_narrow_ones_so_that_all_are_aligned() -> None:
    spec = every_method_spec()
    header, _ = split(serialize_adapter(spec, tensors_for(spec, dtypes=("F16", "F32", "BF16"))))
    del header["__metadata__"]
    entries = [json.loads(json.dumps(entry)) for entry in header.values()]
    widths = [4 if entry["dtype"] == "F32" else 2 for entry in entries]
    assert widths == sorted(widths, reverse=True)
    assert all(e["data_offsets"][0] % w == 0 for e, w in zip(entries, widths, strict=True))


def test_one_type_is_written_in_grammar_order() -> None:
    spec = every_method_spec()
    header, _ = split(serialize_adapter(spec, tensors_for(spec)))
    assert list(header) == ["__metadata__", *tensor_shapes(spec)]


def test_the_library_reads_what_we_write(tmp_path: Path) -> None:
    spec = every_method_spec()
    tensors = tensors_for(spec, dtypes=("F32", "F16"))
    file = serialize_adapter(spec, tensors)
    (tmp_path / "adapter.safetensors").write_bytes(file)

    arrays = load_file(tmp_path / "adapter.safetensors")
    assert arrays.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(arrays[name].astype(np.float32), tensor.to_numpy())
    assert library_reads(file) == tensors


def test_missing_unexpected_and_misshaped_tensors_are_all_said() -> None:
    spec = head_only_spec()
    tensors = tensors_for(spec)
    tensors["head.1.bias"] = tensors.pop("head.0.bias")
    tensors["head.0.weight"] = TensorData("F32", (4, 2), tensors["head.0.weight"].data)
    assert faults_writing(spec, tensors) == [
        "tensors.head.0.weight: shape [4, 2], expected [2, 4]",
        "tensors.head.0.bias: is missing, expected shape [2]",
        "tensors.head.1.bias: is not part of this specification",
    ]


def test_values_that_are_not_finite_are_refused() -> None:
    spec = head_only_spec()
    tensors = tensors_for(spec)
    tensors["head.0.bias"] = TensorData.from_numpy(np.array([1, np.nan], np.float32))
    assert faults_writing(spec, tensors) == ["tensors.head.0.bias: 1 of 2 values is not finite"]


def test_bytes_that_do_not_fill_their_shape_are_refused() -> None:
    spec = head_only_spec()
    tensors = tensors_for(spec)
    tensors["head.0.bias"] = TensorData("F32", (2,), bytes(7))
    assert faults_writing(spec, tensors) == [
        "tensors.head.0.bias: 7 bytes of data, expected 8 for F32 [2]"
    ]


@pytest.mark.parametrize("text", ["\ud800", "a\0b"])
def test_text_that_no_reader_would_take_is_not_written(text: str) -> None:
    spec = head_only_spec()
    card = spec.card.model_copy(update={"description": text})
    faults = faults_writing(spec.model_copy(update={"card": card}), tensors_for(spec))
    assert [fault.partition(":")[0] for fault in faults] in (["spec"], ["spec.card.description"])


def test_a_specification_that_was_never_validated_is_not_written() -> None:
    spec = head_only_spec()
    unchecked = spec.model_copy(update={"max_tokens": 0})
    assert faults_writing(unchecked, tensors_for(spec)) == [
        "spec.max_tokens: should be greater than or equal to 3, got 0"
    ]


def test_a_header_beyond_the_readers_cap_is_not_written() -> None:
    spec = head_only_spec()
    extra = {str(index): "x" * 4_000 for index in range(300)}
    large = spec.model_copy(update={"card": spec.card.model_copy(update={"extra": extra})})
    (fault,) = faults_writing(large, tensors_for(spec))
    assert fault.startswith("header: ")
    assert fault.endswith("expected at most 1048576")


def test_the_limits_of_writing_are_a_setting() -> None:
    spec = head_only_spec()
    with pytest.raises(AdapterFileError, match="larger than 100 bytes"):
        serialize_adapter(spec, tensors_for(spec), limits=FileLimits(size_bytes=100))


def test_writing_what_was_read_gives_the_same_file() -> None:
    spec = every_method_spec()
    file = serialize_adapter(spec, tensors_for(spec, dtypes=("BF16", "F32", "F16")))
    adapter = parse_adapter(file)
    assert serialize_adapter(adapter.spec, adapter.tensors) == file
