"""Reading a whole file: layout against the specification, finite values, limits, results."""

import hashlib
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from adapter_bytes import (
    every_method_spec,
    faults_of,
    file_for,
    head_only_spec,
    rejoin,
    split,
    tensors_for,
    with_entry,
    with_field,
    with_spec,
)
from multitap_adapters.file import (
    AdapterFileError,
    DType,
    FileLimits,
    digest_of,
    parse_adapter,
    parse_source,
    read_adapter,
    serialize_adapter,
    tensor_shapes,
)
from multitap_adapters.spec import AdapterSpec, Head, HeadLayer
from read_sources import CountedSource


@pytest.fixture
def file() -> bytes:
    return file_for(head_only_spec())


def test_a_file_gives_its_specification_tensors_digest_and_size() -> None:
    spec = every_method_spec()
    tensors = tensors_for(spec, dtypes=("F32", "F16", "BF16"))
    file = serialize_adapter(spec, tensors)

    adapter = parse_adapter(file)

    assert adapter.spec == spec
    assert dict(adapter.tensors) == tensors
    assert adapter.digest == f"sha256:{hashlib.sha256(file).hexdigest()}"
    assert adapter.size_bytes == len(file)


def test_tensors_come_in_grammar_order_whatever_their_order_in_the_file() -> None:
    file = file_for(every_method_spec(), dtypes=("F16", "F32"))
    assert list(parse_adapter(file).tensors) == list(tensor_shapes(every_method_spec()))


def test_tensors_are_views_of_the_bytes_that_were_parsed() -> None:
    spec = head_only_spec().model_copy(
        update={"backbone": head_only_spec().backbone.model_copy(update={"hidden_size": 65_536})}
    )
    file = file_for(spec)
    tracemalloc.start()
    adapter = parse_adapter(file)
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert adapter.size_bytes > 500_000
    assert kept_bytes < 100_000


def test_the_tensors_of_a_file_cannot_be_exchanged(file: bytes) -> None:
    adapter = parse_adapter(file)
    with pytest.raises(TypeError):
        adapter.tensors["head.0.bias"] = adapter.tensors["head.0.weight"]  # type: ignore[index] # pyright: ignore[reportIndexIssue]


def test_any_buffer_of_bytes_can_be_parsed(file: bytes) -> None:
    words = memoryview(file + bytes(-len(file) % 4)).cast("I")
    assert parse_adapter(memoryview(file)).digest == parse_adapter(file).digest
    assert len(file) % 4 == 0
    assert parse_adapter(words).size_bytes == len(file)


def test_a_missing_tensor_is_named_with_its_shape(file: bytes) -> None:
    header, data = split(file)
    del header["head.0.bias"]
    assert faults_of(rejoin(header, data[:32])) == [
        "tensors.head.0.bias: is missing, expected shape [2]"
    ]


def test_an_unexpected_tensor_is_named(file: bytes) -> None:
    entry = {"dtype": "F16", "shape": [1], "data_offsets": [40, 42]}
    assert faults_of(with_entry(file, "head.1.bias", entry) + bytes(2)) == [
        "tensors.head.1.bias: is not part of this specification"
    ]


@pytest.mark.parametrize("shape", [[4, 2], [8], [2, 4, 1], [1, 2, 4]])
def test_another_shape_of_the_same_size_is_a_fault(file: bytes, shape: list[int]) -> None:
    assert faults_of(with_field(file, "head.0.weight", shape=shape)) == [
        f"tensors.head.0.weight: shape {shape}, expected [2, 4]"
    ]


def test_names_differ_by_case(file: bytes) -> None:
    header, data = split(file)
    header["Head.0.bias"] = header.pop("head.0.bias")
    assert faults_of(rejoin(header, data)) == [
        "tensors.head.0.bias: is missing, expected shape [2]",
        "tensors.Head.0.bias: is not part of this specification",
    ]


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("F32", struct.pack("<2f", float("nan"), 1)),
        ("F32", struct.pack("<2f", 1, float("inf"))),
        ("F32", struct.pack("<2f", float("-inf"), 1)),
        ("F32", bytes.fromhex("0000803f010080ff")),
        ("F16", struct.pack("<2e", float("nan"), 1)),
        ("F16", struct.pack("<2e", 1, float("-inf"))),
        ("BF16", bytes.fromhex("807f803f")),
        ("BF16", bytes.fromhex("803fc0ff")),
    ],
)
def test_a_value_that_is_not_finite_is_a_fault(dtype: DType, values: bytes) -> None:
    header, data = split(file_for(head_only_spec()))
    end = 32 + len(values)
    header["head.0.bias"] = {"dtype": dtype, "shape": [2], "data_offsets": [32, end]}
    assert faults_of(rejoin(header, data[:32] + values)) == [
        "tensors.head.0.bias: 1 of 2 values is not finite"
    ]


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_the_largest_and_smallest_finite_values_pass(dtype: DType) -> None:
    extremes = {
        "F32": "ffff7f7fffff7fff" + "0100000001000080",
        "F16": "ff7bfffb",
        "BF16": "7f7f7fff",
    }[dtype]
    values = bytes.fromhex(extremes)[: 8 if dtype == "F32" else 4]
    header, data = split(file_for(head_only_spec()))
    end = 32 + len(values)
    header["head.0.bias"] = {"dtype": dtype, "shape": [2], "data_offsets": [32, end]}
    assert faults_of(rejoin(header, data[:32] + values)) == []


def test_every_tensor_with_bad_values_is_named_with_their_number(file: bytes) -> None:
    nan = struct.pack("<f", float("nan"))
    assert faults_of(file[:-12] + 3 * nan) == [
        "tensors.head.0.weight: 1 of 8 values is not finite",
        "tensors.head.0.bias: 2 of 2 values are not finite",
    ]


def test_everything_that_is_wrong_is_said_at_once(file: bytes) -> None:
    header, data = split(with_spec(file, "max_tokens", 1))
    header["extra"] = {"dtype": "F64", "shape": [0], "data_offsets": [40, 40]}
    faults = faults_of(rejoin(header, data[:-4] + struct.pack("<f", float("inf"))))
    assert [fault.partition(":")[0] for fault in faults] == [
        "tensors.extra",
        "spec.max_tokens",
        "tensors.head.0.bias",
    ]


def test_layout_header_and_value_faults_come_together(file: bytes) -> None:
    header, data = split(with_field(file, "head.0.weight", shape=[4, 2]))
    header["extra"] = 1
    faults = faults_of(rejoin(header, data[:-4] + struct.pack("<f", float("inf"))))
    assert [fault.split(" ", 1)[1][:12] for fault in faults] == [
        "expected the",
        "shape [4, 2]",
        "is not part ",
        "1 of 2 value",
    ]


def test_a_specification_of_billions_of_values_allocates_nothing(file: bytes) -> None:
    huge = with_spec(file, "backbone.hidden_size", 65_536)
    huge = with_spec(huge, "backbone.num_layers", 256)
    module = {"method": "bottleneck", "size": 65_536}
    huge = with_spec(huge, "modules", [module] * 16)
    tracemalloc.start()
    faults = faults_of(huge)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(faults) == 101
    assert faults[-1] == f"file: {16 * 256 * 2 * 4 + 1 - 100} more faults are not listed"
    assert peak_bytes < 32_000_000


def test_a_file_beyond_the_size_limit_is_refused(file: bytes) -> None:
    assert faults_of(file, FileLimits(size_bytes=len(file))) == []
    assert faults_of(file, FileLimits(size_bytes=len(file) - 1)) == [
        f"file: larger than {len(file) - 1} bytes"
    ]


def test_the_limit_for_tensors_is_a_setting(file: bytes) -> None:
    assert faults_of(file, FileLimits(tensors=1)) == ["header: 2 tensors, expected at most 1"]


def test_a_file_on_disk_reads_like_its_bytes(tmp_path: Path, file: bytes) -> None:
    path = tmp_path / "adapter.safetensors"
    path.write_bytes(file)
    assert read_adapter(path) == parse_adapter(file)
    assert read_adapter(str(path)).size_bytes == len(file)


def test_a_large_file_on_disk_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as sparse:
        sparse.truncate(2**40)
    tracemalloc.start()
    with pytest.raises(AdapterFileError, match="file: larger than 1000 bytes"):
        read_adapter(path, limits=FileLimits(size_bytes=1_000))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < 100_000


def test_a_file_that_is_not_there_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_adapter(tmp_path / "nothing")


def test_the_reader_never_changes_the_bytes(file: bytes) -> None:
    before = bytearray(file)
    parse_adapter(memoryview(before).toreadonly())
    assert before == file


def test_values_survive_the_way_through_a_file() -> None:
    spec = head_only_spec()
    adapter = parse_adapter(file_for(spec))
    for name, tensor in tensors_for(spec).items():
        np.testing.assert_array_equal(adapter.tensors[name].to_numpy(), tensor.to_numpy())


def test_a_source_reads_like_its_bytes() -> None:
    file = file_for(every_method_spec(), dtypes=("F32", "F16", "BF16"))

    assert parse_source(CountedSource(file)) == parse_adapter(file)


def test_a_source_has_the_faults_of_its_bytes(file: bytes) -> None:
    broken = file[:-4] + struct.pack("<f", float("inf"))

    with pytest.raises(AdapterFileError, match=r"tensors.head.0.bias: 1 of 2 values is not finite"):
        parse_source(CountedSource(broken))


def test_a_large_source_is_read_a_part_at_a_time() -> None:
    source = CountedSource(large_file())
    tracemalloc.start()
    adapter = parse_source(source)
    kept_bytes, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert adapter.size_bytes > 24_000_000
    assert adapter.digest == digest_of(source)
    assert max(source.reads) <= 1 << 20
    assert kept_bytes < 100_000
    assert peak_bytes < 8_000_000


def test_a_digest_that_is_known_is_not_computed_again() -> None:
    source = CountedSource(large_file())

    adapter = parse_source(source, digest="sha256:known")

    assert adapter.digest == "sha256:known"
    assert sum(source.reads) == source.size_bytes  # once, for the values


def test_rows_and_pieces_are_parts_of_their_tensor() -> None:
    tensors = parse_source(CountedSource(large_file())).tensors
    whole = tensors["head.0.weight"].to_numpy()

    np.testing.assert_array_equal(tensors.rows("head.0.weight", 5, 9).to_numpy(), whole[5:9])
    pieces = [piece.to_numpy() for piece in tensors.pieces("head.0.weight")]
    assert len(pieces) > 20
    np.testing.assert_array_equal(np.concatenate(pieces), whole.reshape(-1))


def large_file() -> bytes:
    """Return a file of 25 MB with one large tensor."""
    backbone = head_only_spec().backbone.model_copy(update={"hidden_size": 65_000})
    head = Head(kind="embedding", input="cls", layers=(HeadLayer(out=97),))
    return file_for(AdapterSpec(backbone=backbone, max_tokens=16, head=head))


def test_reading_needs_no_torch_and_no_safetensors_library() -> None:
    code = (
        "import sys, multitap_adapters.file, multitap_adapters.file.schema\n"
        "print(sorted({'torch', 'safetensors', 'transformers'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 (our own interpreter)
    assert done.stdout.strip() == "[]"
