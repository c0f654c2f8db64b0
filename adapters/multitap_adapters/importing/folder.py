"""Which folder is meant, and which library wrote it."""

from pathlib import Path
from typing import Literal

from .errors import FolderRefused
from .settings import read_settings

CONFIG = "adapter_config.json"
_FUSION = "adapter_fusion_config.json"
_SHOWN = 20

Library = Literal["adapters", "peft"]


def find_adapter_folder(folder: Path) -> Path:
    """Return the folder itself, or its one sub-folder with an adapter, as hub repositories have it.

    Raises:
        FolderRefused: there is no adapter, or there are several.
    """
    if not folder.is_dir():
        raise FolderRefused(f"{folder} is no folder")
    if (folder / CONFIG).is_file():
        return folder
    if (folder / _FUSION).is_file():
        raise FolderRefused(
            f"{folder} has {_FUSION}: AdapterFusion weighs several adapters by attention, "
            "which is not supported"
        )
    found = sorted(path for path in folder.iterdir() if (path / CONFIG).is_file())
    if not found:
        raise FolderRefused(f"{folder} has no {CONFIG}, and no folder in it has one")
    if len(found) > 1:
        more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        names = ", ".join(path.name for path in found[:_SHOWN])
        raise FolderRefused(f"{folder} holds {len(found)} adapters, name one: {names}{more}")
    return found[0]


def detect_library(folder: Path) -> Library:
    """Return the library that wrote an adapter folder. Raises: FolderRefused."""
    settings = read_settings(folder / CONFIG)
    if "peft_type" in settings:
        return "peft"
    if "config" in settings:
        return "adapters"
    raise FolderRefused(f"{settings.at} is neither of adapters (config) nor of peft (peft_type)")
