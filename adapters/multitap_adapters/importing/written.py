"""A folder that is to be written: its configurations, and tensors by the library's names."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from multitap_adapters.file import TensorData
from multitap_adapters.file.tensor import DType

_DTYPES: Mapping[DType, torch.dtype] = {
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}


@dataclass(frozen=True, slots=True)
class WrittenFolder:
    """What a folder will hold, by the files' names."""

    documents: Mapping[str, Mapping[str, object]]
    tensors: Mapping[str, Mapping[str, TensorData]]

    def write(self, folder: Path) -> None:
        """Write every file into an existing folder. Raises: OSError."""
        for name, document in self.documents.items():
            text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
            (folder / name).write_text(f"{text}\n", encoding="utf-8")
        for name, tensors in self.tensors.items():
            named = {key: to_tensor(data) for key, data in tensors.items()}
            (folder / name).write_bytes(save(named, metadata={"format": "pt"}))


def to_tensor(data: TensorData) -> Tensor:
    """Return a file's tensor in the type that it has, as a copy."""
    flat = torch.frombuffer(bytearray(data.data), dtype=_DTYPES[data.dtype])
    return flat.reshape(data.shape)


def column(data: TensorData) -> TensorData:
    """Return a vector as a matrix of one column."""
    return TensorData(data.dtype, (*data.shape, 1), data.data)


def row(data: TensorData) -> TensorData:
    """Return a vector as a matrix of one row."""
    return TensorData(data.dtype, (1, *data.shape), data.data)


def plain_number(value: float) -> int | float:
    """Return an integer where the number is one, since the libraries write these as integers."""
    return int(value) if value.is_integer() else value
