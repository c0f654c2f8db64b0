"""Folders that are private and durable."""

from pathlib import Path

import pytest

from multitap_registry.durable import make_folder, sync_folder


def test_folder_is_made_with_its_parents_for_its_owner_only(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_folder_that_exists_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o755)

    make_folder(tmp_path / "a")

    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755


def test_folder_in_the_place_of_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("in the way")

    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "a")


def test_only_a_folder_can_be_synced_as_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file")

    sync_folder(tmp_path)
    with pytest.raises(NotADirectoryError):
        sync_folder(tmp_path / "a")
