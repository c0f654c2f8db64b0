"""The weights file of a folder: safetensors where there is one, the old `.bin` otherwise."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from .bin_file import read_bin
from .errors import FolderRefused

MAX_BYTES = 512 << 20  # twice what an adapter file may have
_DTYPES = (torch.float32, torch.float16, torch.bfloat16)


class _TensorFile(AbstractContextManager["_TensorFile"], Protocol):
    """What an open safetensors file can do; the library leaves it without types."""

    def keys(self) -> list[str]: ...

    def get_tensor(self, name: str) -> Tensor: ...


def find_weights(folder: Path, safetensors: str, old: str) -> Path | None:
    """Return the folder's weights file, the safetensors one first; None where it has neither."""
    found = (folder / name for name in (safetensors, old) if (folder / name).is_file())
    return next(found, None)


def read_weights_file(path: Path) -> dict[str, Tensor]:
    """Read every tensor of a weights file.

    Raises:
        FolderRefused: it is too large, broken, or holds anything but tensors of real numbers.
    """
    size_bytes = path.stat().st_size
    if size_bytes > MAX_BYTES:
        raise FolderRefused(f"{path} has {size_bytes} bytes, expected at most {MAX_BYTES}")
    if path.suffix == ".safetensors":
        found: Mapping[str, object] = _read_safetensors(path)
    else:
        found = read_bin(path, max_bytes=MAX_BYTES)
    return {name: _plain_tensor(name, value, path) for name, value in found.items()}


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with cast("_TensorFile", safe_open(path, framework="pt")) as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)
    except SafetensorError as error:
        raise FolderRefused(f"{path} is no safetensors file: {error}") from None


def _plain_tensor(name: str, value: object, path: Path) -> Tensor:
    if not isinstance(value, Tensor) or value.layout != torch.strided:
        raise FolderRefused(f"{path} holds {type(value).__name__} {name!r}, expected plain tensors")
    if value.dtype not in _DTYPES:
        raise FolderRefused(
            f"{name!r} in {path} has dtype {value.dtype}, expected float32, float16 or bfloat16"
        )
    return value.detach()
