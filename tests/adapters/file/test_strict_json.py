"""The tricks that JSON can play in a header; those in a specification are beside its tests."""

import pytest

from adapter_bytes import faults_of, file_for, head_only_spec, header_text, join, split


@pytest.fixture
def file() -> bytes:
    return file_for(head_only_spec())


def test_a_duplicate_tensor_name_is_a_fault(file: bytes) -> None:
    _, data = split(file)
    text = header_text(file).rstrip(b" ")
    entry = b',"head.0.bias":{"dtype":"F32","shape":[2],"data_offsets":[32,40]}}'
    assert faults_of(join(text[:-1] + entry, data)) == ["header: duplicate key 'head.0.bias'"]


def test_a_name_spelled_with_an_escape_is_still_a_duplicate(file: bytes) -> None:
    _, data = split(file)
    text = header_text(file).rstrip(b" ")
    assert faults_of(join(text[:-1] + rb',"head.0.bi\u0061s":1}', data)) == [
        "header: duplicate key 'head.0.bias'"
    ]


def test_a_duplicate_key_inside_an_entry_is_a_fault(file: bytes) -> None:
    _, data = split(file)
    text = header_text(file).replace(b'"shape":[2],', b'"shape":[2],"shape":[2],')
    assert faults_of(join(text, data)) == ["header.head.0.bias: duplicate key 'shape'"]


def test_duplicate_metadata_is_a_fault(file: bytes) -> None:
    _, data = split(file)
    text = header_text(file).rstrip(b" ")
    assert faults_of(join(text[:-1] + b',"__metadata__":{}}', data)) == [
        "header: duplicate key '__metadata__'"
    ]


def test_a_duplicate_key_inside_the_metadata_is_a_fault(file: bytes) -> None:
    _, data = split(file)
    text = header_text(file).replace(b'{"multitap":', b'{"multitap":"","multitap":')
    assert "header.__metadata__: duplicate key 'multitap'" in faults_of(join(text, data))


def test_a_depth_bomb_is_a_fault_whatever_its_depth() -> None:
    for depth in (17, 500, 2_000, 100_000):
        bomb = b'{"a":' + b"[" * depth + b"]" * depth + b"}"
        faults = faults_of(join(bomb))
        assert any("JSON is nested deeper than 16 levels" in fault for fault in faults), depth


def test_an_integer_of_ten_thousand_digits_is_a_fault(file: bytes) -> None:
    _, data = split(file)
    text = header_text(file).replace(b"[32,40]", b"[32," + b"4" * 10_000 + b"]")
    assert faults_of(join(text, data))[0] == (
        "header.head.0.bias.data_offsets.1: an integer of 10000 characters, expected at most 20"
    )


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_know_are_faults(file: bytes, number: str) -> None:
    _, data = split(file)
    text = header_text(file).replace(b"[32,40]", f"[32,{number}]".encode())
    assert faults_of(join(text, data))[0] == (
        f"header.head.0.bias.data_offsets.1: {number} is not a JSON number"
    )


def test_a_negative_zero_is_a_fault_since_readers_differ_on_it(file: bytes) -> None:
    _, data = split(file)
    text = header_text(file).replace(b"[0,32]", b"[-0,32]")
    assert any("-0" in fault for fault in faults_of(join(text, data)))


@pytest.mark.parametrize("escape", [rb"\ud800", rb"\udfff", rb"\udc00\ud800"])
def test_a_lone_surrogate_is_a_fault(escape: bytes) -> None:
    faults = faults_of(join(b'{"' + escape + b'":1}'))
    assert any("lone surrogate" in fault for fault in faults)
    assert all(fault.isprintable() for fault in faults)


def test_a_paired_surrogate_is_a_character_and_only_a_bad_name(file: bytes) -> None:
    _, data = split(file)
    text = header_text(file).replace(b'"head.0.bias"', rb'"\ud83d\ude00"')
    faults = faults_of(join(text, data))
    assert not any("surrogate" in fault for fault in faults)
    assert any("tensor name" in fault for fault in faults)
