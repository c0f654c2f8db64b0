"""Weights files: safetensors first, bounded, and nothing but plain tensors of real numbers."""

from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from multitap_adapters.importing.errors import FolderRefused
from multitap_adapters.importing.weights import MAX_BYTES, find_weights, read_weights_file
from safetensors_files import save_tensors


def test_safetensors_are_preferred(tmp_path: Path) -> None:
    for name in ("a.safetensors", "a.bin"):
        (tmp_path / name).touch()

    assert find_weights(tmp_path, "a.safetensors", "a.bin") == tmp_path / "a.safetensors"
    (tmp_path / "a.safetensors").unlink()
    assert find_weights(tmp_path, "a.safetensors", "a.bin") == tmp_path / "a.bin"
    (tmp_path / "a.bin").unlink()
    assert find_weights(tmp_path, "a.safetensors", "a.bin") is None


def test_both_formats_give_the_same_tensors(tmp_path: Path) -> None:
    tensors = {"a": torch.rand(3, 2), "b": torch.rand(2).half()}
    save_tensors(tmp_path / "a.safetensors", tensors)
    torch.save(tensors, tmp_path / "a.bin")

    assert_close(read_weights_file(tmp_path / "a.safetensors"), tensors)
    assert_close(read_weights_file(tmp_path / "a.bin"), tensors)


@pytest.mark.parametrize("kept", [0, 4, 100, -3])
def test_a_safetensors_file_that_is_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    save_tensors(tmp_path / "whole.safetensors", {"a": torch.rand(30, 20)})
    data = (tmp_path / "whole.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(data[:kept])

    with pytest.raises(FolderRefused, match="is no safetensors file"):
        read_weights_file(tmp_path / "a.safetensors")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a.safetensors").open("wb") as file:
        file.truncate(MAX_BYTES + 1)

    with pytest.raises(FolderRefused, match=f"has {MAX_BYTES + 1} bytes"):
        read_weights_file(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.ones(2, dtype=torch.float64), "dtype torch.float64"),
        (torch.ones(2, dtype=torch.int64), "dtype torch.int64"),
        (torch.eye(2).to_sparse(), "expected plain tensors"),
        ({"b": torch.ones(1)}, "holds dict 'a'"),
        ("text", "holds str 'a'"),
    ],
)
def test_anything_but_plain_real_tensors_is_refused(
    tmp_path: Path, value: object, message: str
) -> None:
    torch.save({"a": value}, tmp_path / "a.bin")

    with pytest.raises(FolderRefused, match=message):
        read_weights_file(tmp_path / "a.bin")
