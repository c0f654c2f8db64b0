"""The digest of tensors: its framing, byte for byte, and what it must tell apart."""

import hashlib
from pathlib import Path

import pytest

from multitap_adapters.digest import digest_bytes, digest_file, digest_tensors

Framed = tuple[str, str, tuple[int, ...], memoryview]


def _tensor(name: str = "a", dtype: str = "F32", shape: tuple[int, ...] = (1,)) -> Framed:
    return name, dtype, shape, memoryview(b"\1\2\3\4")


def test_the_framing_is_the_documented_one() -> None:
    tensors: list[Framed] = [
        ("b.weight", "F16", (2, 1), memoryview(b"\5\6\7\x08")),
        ("a", "F32", (1,), memoryview(b"\1\2\3\4")),
    ]
    stream = bytes.fromhex(
        "01000000 61"  # the length of "a", "a"
        "03000000 463332"  # "F32"
        "01000000 0100000000000000"  # rank 1, of size 1
        "01020304"
        "08000000 622e776569676874"  # "b.weight"
        "03000000 463136"  # "F16"
        "02000000 0200000000000000 0100000000000000"
        "05060708"
    )

    assert digest_tensors(tensors) == f"sha256:{hashlib.sha256(stream).hexdigest()}"


def test_no_tensors_have_the_digest_of_nothing() -> None:
    assert digest_tensors([]) == digest_bytes(b"")


def test_a_name_is_framed_by_its_bytes_and_not_its_characters() -> None:
    stream = bytes.fromhex("02000000 c3a9 03000000 463332 01000000 0100000000000000 01020304")

    assert digest_tensors([_tensor("é")]) == f"sha256:{hashlib.sha256(stream).hexdigest()}"


@pytest.mark.parametrize(
    "other",
    [
        _tensor("b"),
        _tensor(dtype="F16"),
        _tensor(shape=(1, 1)),
        _tensor(shape=()),
        ("a", "F32", (1,), memoryview(b"\1\2\3\5")),
        ("aF", "32", (1,), memoryview(b"\1\2\3\4")),
    ],
)
def test_any_change_of_a_tensor_changes_the_digest(other: Framed) -> None:
    assert digest_tensors([other]) != digest_tensors([_tensor()])


def test_the_order_of_the_tensors_does_not_matter() -> None:
    first, second = _tensor("a"), _tensor("b")

    assert digest_tensors([second, first]) == digest_tensors([first, second])


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")

    expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest_file(path) == digest_bytes(b"abc") == expected
