"""The adapter file: one safetensors file with its specification inside (docs/adapter-file.md)."""

from .canonical import canonical_json
from .errors import AdapterFileError, Fault
from .layout import tensor_shapes
from .limits import FileLimits
from .reader import AdapterFile, digest_of, parse_adapter, parse_source, read_adapter
from .source import ByteSource, chunks
from .tensor import DType, TensorData
from .tensors import FileTensors
from .writer import serialize_adapter

__all__ = [
    "AdapterFile",
    "AdapterFileError",
    "ByteSource",
    "DType",
    "Fault",
    "FileLimits",
    "FileTensors",
    "TensorData",
    "canonical_json",
    "chunks",
    "digest_of",
    "parse_adapter",
    "parse_source",
    "read_adapter",
    "serialize_adapter",
    "tensor_shapes",
]
