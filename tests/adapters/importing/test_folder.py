"""Which folder is meant: itself, or its one sub-folder, as hub repositories are laid out."""

from pathlib import Path

import pytest

from library_folders import write_hub, write_json, write_peft
from multitap_adapters.importing.errors import FolderRefused
from multitap_adapters.importing.folder import detect_library, find_adapter_folder


def refusal(folder: Path) -> str:
    with pytest.raises(FolderRefused) as error:
        find_adapter_folder(folder)
    return str(error.value)


def test_a_folder_with_an_adapter_is_meant_itself(tmp_path: Path) -> None:
    write_hub(tmp_path)
    write_hub(tmp_path / "inner")

    assert find_adapter_folder(tmp_path) == tmp_path


def test_the_one_sub_folder_with_an_adapter_is_taken(tmp_path: Path) -> None:
    (tmp_path / "README.md").touch()
    (tmp_path / "tokenizer").mkdir()

    assert find_adapter_folder(write_hub(tmp_path / "pfeiffer").parent) == tmp_path / "pfeiffer"


def test_several_sub_folders_are_listed(tmp_path: Path) -> None:
    for name in ("houlsby", "pfeiffer"):
        write_hub(tmp_path / name)

    assert refusal(tmp_path) == f"{tmp_path} holds 2 adapters, name one: houlsby, pfeiffer"


def test_of_very_many_sub_folders_the_first_are_listed(tmp_path: Path) -> None:
    for number in range(23):
        (tmp_path / f"a{number:02}").mkdir()
        write_json(tmp_path / f"a{number:02}" / "adapter_config.json", {})

    assert refusal(tmp_path).endswith(", a19, and 3 more")


def test_a_folder_without_adapters_and_no_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert refusal(tmp_path).startswith(f"{tmp_path} has no adapter_config.json")
    assert refusal(tmp_path / "none") == f"{tmp_path / 'none'} is no folder"
    assert refusal(tmp_path / "file") == f"{tmp_path / 'file'} is no folder"


def test_a_fusion_is_refused_by_name(tmp_path: Path) -> None:
    write_json(tmp_path / "adapter_fusion_config.json", {})
    write_hub(tmp_path / "a")

    assert "AdapterFusion weighs several adapters" in refusal(tmp_path)


def test_the_configuration_tells_the_library(tmp_path: Path) -> None:
    assert detect_library(write_hub(tmp_path / "a")) == "adapters"
    assert detect_library(write_peft(tmp_path / "b")) == "peft"
    write_json(tmp_path / "adapter_config.json", {"name": "a"})
    with pytest.raises(FolderRefused, match="is neither of adapters"):
        detect_library(tmp_path)
