"""The header parser: every rule of the format."""

import json
import tracemalloc

import pytest

from adapter_bytes import (
    every_method_spec,
    faults_of,
    file_for,
    head_only_spec,
    header_text,
    join,
    rejoin,
    spec_text,
    split,
    with_entry,
    with_field,
)
from multitap_adapters.file import FileLimits

WEIGHT = "head.0.weight"  # F32 [2, 4] at [0, 32]
BIAS = "head.0.bias"  # F32 [2] at [32, 40]


@pytest.fixture
def file() -> bytes:
    return file_for(head_only_spec())


def test_the_unbroken_file_has_no_faults(file: bytes) -> None:
    assert faults_of(file) == []


@pytest.mark.parametrize("size", [0, 1, 7])
def test_a_file_without_a_whole_header_length_is_too_short(size: int) -> None:
    assert faults_of(bytes(size)) == [f"file: {size} bytes, too short for the 8-byte header length"]


def test_a_header_that_ends_behind_the_file_is_cut_off(file: bytes) -> None:
    end = 8 + len(header_text(file))
    assert faults_of(file[:100]) == [f"file: cut off: the header ends at byte {end} of 100"]


def test_a_header_beyond_the_cap_is_refused_before_its_json_is_parsed() -> None:
    file = join(b'{"a":[' + b"1," * 5_000_000 + b"1]}")
    tracemalloc.start()
    faults = faults_of(file)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert faults == ["header: 10000009 bytes, expected at most 1048576"]
    assert peak_bytes < 100_000


def test_the_largest_header_length_is_refused_like_any_other() -> None:
    assert faults_of(b"\xff" * 64) == [f"header: {2**64 - 1} bytes, expected at most 1048576"]


def test_the_header_cap_is_a_setting(file: bytes) -> None:
    size = len(header_text(file))
    assert faults_of(file, FileLimits(header_bytes=size)) == []
    assert faults_of(file, FileLimits(header_bytes=size - 1)) == [
        f"header: {size} bytes, expected at most {size - 1}"
    ]


@pytest.mark.parametrize(
    "text", [b"", b" {}", b"\xef\xbb\xbf{}", b"[]", b"{}\n", b"{}\t", b"{}\0", b'{"a":1} x']
)
def test_a_header_is_an_object_and_nothing_but_spaces_follow_it(text: bytes) -> None:
    assert faults_of(join(text)) == [
        "header: expected a JSON object, padded at its end with spaces only"
    ]


@pytest.mark.parametrize("spaces", [0, 1, 7, 8, 64])
def test_trailing_spaces_are_padding(file: bytes, spaces: int) -> None:
    _, data = split(file)
    text = header_text(file).rstrip(b" ") + b" " * spaces
    assert faults_of(join(text, data)) == []


def test_a_header_that_is_not_utf_8_says_where() -> None:
    assert faults_of(join(b'{"\xff":1}')) == ["header: not UTF-8 at byte 2 of the header"]


def test_a_header_that_is_not_json_says_where() -> None:
    (fault,) = faults_of(join(b'{"a":1,}'))
    assert fault.startswith("header: not JSON: ")
    assert fault.endswith("at character 7")


def test_a_file_without_metadata_has_no_specification(file: bytes) -> None:
    assert faults_of(with_entry(file, "__metadata__", None)) == [
        "header: expected __metadata__ with the one key 'multitap'"
    ]


@pytest.mark.parametrize("metadata", [[], "text", 1, True])
def test_metadata_that_is_no_object_is_a_fault(file: bytes, metadata: object) -> None:
    assert faults_of(with_entry(file, "__metadata__", metadata)) == [
        "header: expected __metadata__ with the one key 'multitap'"
    ]


def test_another_metadata_key_is_a_fault(file: bytes) -> None:
    metadata = {"multitap": spec_text(file), "format": "pt"}
    assert faults_of(with_entry(file, "__metadata__", metadata)) == [
        "header.__metadata__: unexpected key 'format'"
    ]


@pytest.mark.parametrize("value", [1, {}, None])
def test_a_specification_that_is_no_text_is_a_fault(file: bytes, value: object) -> None:
    assert faults_of(with_entry(file, "__metadata__", {"multitap": value})) == [
        "header.__metadata__: expected a text under 'multitap'"
    ]


def test_too_many_tensors_are_refused_without_a_look_at_each(file: bytes) -> None:
    header, data = split(file)
    header.update({f"x{index}": 1 for index in range(4_095)})
    assert faults_of(rejoin(header, data)) == ["header: 4097 tensors, expected at most 4096"]


@pytest.mark.parametrize(
    "name", ["", "a" * 201, "../etc/passwd", "a/b", "a\u0000", "a b", "\u00e9", "a-b", "a\n"]
)
def test_a_name_outside_the_grammar_is_a_fault(file: bytes, name: str) -> None:
    header, data = split(file)
    header[name] = header.pop(BIAS)
    assert any("[A-Za-z0-9_.]{1,200}" in fault for fault in faults_of(rejoin(header, data)))


@pytest.mark.parametrize("dtype", ["F64", "I64", "U8", "BOOL", "f32", "F8_E4M3", None, 1, ["F32"]])
def test_a_type_other_than_the_three_is_a_fault(file: bytes, dtype: object) -> None:
    (fault,) = faults_of(with_field(file, BIAS, dtype=dtype))
    assert fault.startswith("tensors.head.0.bias: dtype ")
    assert fault.endswith("expected one of F32, F16, BF16")


@pytest.mark.parametrize(
    "shape", [[1, 1, 1, 1, 2], [1] * 200, [-2], [2.0], [True, 2], ["2"], [None], 2, "text", {}]
)
def test_a_shape_is_a_list_of_at_most_four_natural_numbers(file: bytes, shape: object) -> None:
    (fault,) = faults_of(with_field(file, BIAS, shape=shape))
    assert fault.startswith("tensors.head.0.bias: shape ")
    assert fault.endswith("expected at most 4 sizes")


@pytest.mark.parametrize("shape", [[2**62, 4], [2**32, 2**32], [0, 2**62], [9_999_999_999] * 4])
def test_sizes_that_overflow_a_machine_word_are_just_wrong(file: bytes, shape: list[int]) -> None:
    (fault,) = faults_of(with_field(file, BIAS, shape=shape))
    assert fault.startswith("tensors.head.0.bias: 8 bytes of data, expected ")


@pytest.mark.parametrize(
    "offsets",
    [
        [40, 32],
        [32, 41],
        [32, 2**63],
        [-8, 0],
        [32],
        [32, 36, 40],
        [32.0, 40],
        [True, 40],
        "x",
        None,
    ],
)
def test_offsets_are_a_begin_and_an_end_within_the_data(file: bytes, offsets: object) -> None:
    (fault,) = faults_of(with_field(file, BIAS, data_offsets=offsets))
    assert fault.startswith("tensors.head.0.bias: data_offsets ")
    assert fault.endswith("expected a begin and an end within 40 bytes of data")


def test_fewer_bytes_than_the_shape_needs_is_a_fault(file: bytes) -> None:
    assert faults_of(with_field(file, BIAS, data_offsets=[32, 36])) == [
        "tensors.head.0.bias: 4 bytes of data, expected 8 for F32 [2]"
    ]


def test_a_hole_between_tensors_is_a_fault(file: bytes) -> None:
    header, data = split(with_field(file, BIAS, data_offsets=[36, 44]))
    assert faults_of(rejoin(header, data + bytes(4))) == [
        "tensors.head.0.bias: a hole of 4 bytes lies before it"
    ]


def test_a_hole_before_the_first_tensor_is_a_fault(file: bytes) -> None:
    header, data = split(file)
    header[WEIGHT] = {"dtype": "F32", "shape": [2, 4], "data_offsets": [4, 36]}
    header[BIAS] = {"dtype": "F32", "shape": [2], "data_offsets": [36, 44]}
    assert faults_of(rejoin(header, bytes(4) + data)) == [
        "tensors.head.0.weight: a hole of 4 bytes lies before it"
    ]


def test_an_overlap_is_a_fault(file: bytes) -> None:
    assert faults_of(with_field(file, BIAS, data_offsets=[28, 36])) == [
        "tensors.head.0.bias: overlaps another tensor by 4 bytes",
        "file: 4 bytes follow the last tensor",
    ]


def test_a_tensor_inside_another_is_an_overlap(file: bytes) -> None:
    assert faults_of(with_field(file, BIAS, data_offsets=[8, 16])) == [
        "tensors.head.0.bias: overlaps another tensor by 24 bytes",
        "file: 8 bytes follow the last tensor",
    ]


def test_bytes_behind_the_last_tensor_are_a_fault(file: bytes) -> None:
    assert faults_of(file + b"PK") == ["file: 2 bytes follow the last tensor"]


def test_data_that_is_cut_off_names_the_tensors_that_it_cuts(file: bytes) -> None:
    assert faults_of(file[:-1]) == [
        "tensors.head.0.bias: data_offsets [32, 40], "
        "expected a begin and an end within 39 bytes of data"
    ]


@pytest.mark.parametrize(
    "entry",
    [
        1,
        [],
        "F32",
        {},
        {"dtype": "F32", "shape": [2]},
        {"dtype": "F32", "shape": [2], "data_offsets": [32, 40], "extra": 1},
    ],
)
def test_an_entry_has_exactly_its_three_keys(file: bytes, entry: object) -> None:
    (fault,) = faults_of(with_entry(file, BIAS, entry))
    assert fault.startswith("tensors.head.0.bias: expected the keys dtype, shape and data_offsets")


def test_every_fault_of_an_entry_is_said(file: bytes) -> None:
    faults = faults_of(with_entry(file, BIAS, {"dtype": "X", "shape": -1, "data_offsets": 0}))
    assert [fault.split()[1] for fault in faults] == ["dtype", "shape", "data_offsets"]


def test_entries_may_stand_in_any_order() -> None:
    file = file_for(every_method_spec())
    header, data = split(file)
    shuffled = dict(sorted(header.items(), key=lambda item: item[0][::-1]))
    assert list(shuffled) != list(header)
    assert faults_of(join(json.dumps(shuffled).encode(), data)) == []
