"""Old weights files in torch's own format: the one place in the project that calls `torch.load`.

`weights_only` builds tensors and plain containers, and refuses every other object in the file
before anything of it runs.
"""

import re
import zipfile
from pathlib import Path
from typing import cast

import torch

from .errors import FolderRefused

_FORBIDDEN = re.compile(r"GLOBAL ([\w.]+)")


def read_bin(path: Path, *, max_bytes: int) -> dict[str, object]:
    """Return what a `.bin` file maps its names to.

    Raises:
        FolderRefused: the file is no mapping of names, unpacks to more than `max_bytes`, is cut
            off, or asks for anything but tensors.
        OSError: it cannot be read.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > max_bytes:
            raise FolderRefused(f"{path} unpacks to {unpacked} bytes, expected at most {max_bytes}")
    try:
        with path.open("rb") as file:
            content = cast("object", torch.load(file, map_location="cpu", weights_only=True))
    except PermissionError:
        raise
    except Exception as error:  # noqa: BLE001  (broken files raise whatever the reader meets first)
        forbidden = _FORBIDDEN.search(str(error))
        reason = f"it asks for {forbidden[1]}" if forbidden else "it is cut off or damaged"
        raise FolderRefused(f"{path} is no file of plain tensors: {reason}") from None
    if not isinstance(content, dict):
        raise FolderRefused(f"{path} holds no tensors by name")
    found = cast("dict[object, object]", content)
    return {str(name): value for name, value in found.items()}
