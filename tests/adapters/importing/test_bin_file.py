"""Old weights files give tensors, and nothing in them ever runs."""

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from multitap_adapters.importing.bin_file import read_bin
from multitap_adapters.importing.errors import FolderRefused

LIMIT = 1 << 20


class Attack:
    """An object that runs a command where it is unpickled."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[object, ...]:
        """Return what a pickle calls."""
        return getattr(os, "system"), (self._command,)  # noqa: B009  (deprecated, and what attacks use)


def test_tensors_come_by_their_names(tmp_path: Path) -> None:
    saved = {"a": torch.arange(3.0), "b": torch.ones(2, 2)}
    torch.save(saved, tmp_path / "a.bin")

    found = read_bin(tmp_path / "a.bin", max_bytes=LIMIT)

    assert_close(found, saved)


@pytest.mark.parametrize("with_zip", [True, False])
def test_a_pickle_that_calls_a_command_does_not_run_it(tmp_path: Path, *, with_zip: bool) -> None:
    mark = tmp_path / "ran"
    attack = {"a": torch.ones(1), "b": Attack(f"touch {mark}")}
    torch.save(attack, tmp_path / "a.bin", _use_new_zipfile_serialization=with_zip)

    with pytest.raises(FolderRefused, match=r"no file of plain tensors: it asks for \w+\.system$"):
        read_bin(tmp_path / "a.bin", max_bytes=LIMIT)

    assert not mark.exists()


def test_a_bare_pickle_of_a_command_does_not_run_it(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (tmp_path / "a.bin").write_bytes(pickle.dumps(Attack(f"touch {mark}")))

    with pytest.raises(FolderRefused, match="no file of plain tensors"):
        read_bin(tmp_path / "a.bin", max_bytes=LIMIT)

    assert not mark.exists()


@pytest.mark.parametrize("kept", [0, 10, 500, -40])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    torch.save({"a": torch.ones(64, 64)}, tmp_path / "whole.bin")
    data = (tmp_path / "whole.bin").read_bytes()
    (tmp_path / "a.bin").write_bytes(data[:kept])

    with pytest.raises(FolderRefused, match="it is cut off or damaged"):
        read_bin(tmp_path / "a.bin", max_bytes=LIMIT)


def test_a_list_of_tensors_is_refused(tmp_path: Path) -> None:
    torch.save([torch.ones(1)], tmp_path / "a.bin")

    with pytest.raises(FolderRefused, match="holds no tensors by name"):
        read_bin(tmp_path / "a.bin", max_bytes=LIMIT)


def test_a_file_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.bin", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * (LIMIT + 1))

    with pytest.raises(FolderRefused, match=r"unpacks to 1048577 bytes, expected at most 1048576"):
        read_bin(tmp_path / "a.bin", max_bytes=LIMIT)
