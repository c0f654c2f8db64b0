"""Where a backbone's files are."""

from pathlib import Path

import pytest
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

from multitap_adapters.embedded import embedded_folder
from multitap_adapters.errors import UnsupportedBackbone
from multitap_adapters.model_folder import download_model, find_model_folder


def _no_download(name: str) -> Path:
    raise AssertionError(f"{name} must not be downloaded")


def test_embedded_names_the_package_s_folder() -> None:
    assert find_model_folder("embedded", download=_no_download) == embedded_folder()


def test_a_folder_names_itself(tmp_path: Path) -> None:
    assert find_model_folder(str(tmp_path), download=_no_download) == tmp_path


def test_a_tilde_stands_for_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))

    assert find_model_folder("~/model", download=_no_download) == tmp_path / "model"


def test_any_other_name_is_downloaded(tmp_path: Path) -> None:
    asked: list[str] = []

    def download(name: str) -> Path:
        asked.append(name)
        return tmp_path

    assert find_model_folder("owner/model", download=download) == tmp_path
    assert asked == ["owner/model"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.touch()

    with pytest.raises(UnsupportedBackbone, match="is no folder, and no model on the hub"):
        find_model_folder(str(file), download=download_model)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (HFValidationError("bad name\nand how to do better"), "bad name$"),
        (LocalEntryNotFoundError("not cached"), "not cached$"),
        (ConnectionError(), "ConnectionError$"),
    ],
)
def test_a_failed_download_is_one_line_with_the_name(error: Exception, reason: str) -> None:
    def download(_name: str) -> Path:
        raise error

    with pytest.raises(UnsupportedBackbone, match=f"'owner/model' is no folder.*: {reason}"):
        find_model_folder("owner/model", download=download)
