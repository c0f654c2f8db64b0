"""The adapter file: one safetensors file with its specification inside (docs/adapter-file.md)."""

from .canonical import canonical_json
from .errors import AdapterFileError, Fault
from .layout import tensor_shapes
from .limits import FileLimits
from .reader import AdapterFile, parse_adapter, read_adapter
from .tensor import DType, TensorData
from .writer import serialize_adapter

__all__ = [
    "AdapterFile",
    "AdapterFileError",
    "DType",
    "Fault",
    "FileLimits",
    "TensorData",
    "canonical_json",
    "parse_adapter",
    "read_adapter",
    "serialize_adapter",
    "tensor_shapes",
]
