"""Writing an adapter file: the same specification and tensors always give the same bytes."""

import json
from collections.abc import Mapping

from multitap_adapters.spec import AdapterSpec

from .canonical import canonical_json
from .errors import FaultList
from .header import LENGTH_BYTES, METADATA, SPEC_KEY
from .layout import tensor_shapes
from .limits import FileLimits
from .reader import parse_adapter
from .tensor import WIDTH_BYTES, TensorData

_ALIGNMENT = 8
_DEFAULT_LIMITS = FileLimits()


def serialize_adapter(
    spec: AdapterSpec,
    tensors: Mapping[str, TensorData],
    *,
    limits: FileLimits = _DEFAULT_LIMITS,
) -> bytes:
    """Return the file's bytes, which ``parse_adapter`` has accepted.

    Tensors stand in grammar order, those of four-byte values before those of two-byte values, so
    that every tensor is aligned to its own width.

    Raises:
        AdapterFileError: the tensors do not match the specification, are not finite, or break a
            limit.
    """
    faults = FaultList()
    for name, tensor in tensors.items():
        found = memoryview(tensor.data).nbytes
        if found != tensor.size_bytes:
            faults.add(
                f"tensors.{name}",
                f"{found} bytes of data, expected {tensor.size_bytes} "
                f"for {tensor.dtype} {list(tensor.shape)}",
            )
    if faults.total:
        raise faults.error()
    ordered = _in_file_order(spec, tensors)
    data = b"".join((_header(spec, ordered, faults), *(t.data for t in ordered.values())))
    parse_adapter(data, limits=limits)
    return data


def _in_file_order(spec: AdapterSpec, tensors: Mapping[str, TensorData]) -> dict[str, TensorData]:
    implied = [name for name in tensor_shapes(spec) if name in tensors]
    names = list(dict.fromkeys((*implied, *tensors)))
    names.sort(key=lambda name: -WIDTH_BYTES[tensors[name].dtype])
    return {name: tensors[name] for name in names}


def _header(spec: AdapterSpec, tensors: dict[str, TensorData], faults: FaultList) -> bytes:
    try:
        spec_text = canonical_json(spec.model_dump(mode="json")).decode()
    except ValueError as error:
        faults.add("spec", f"cannot be written as JSON: {error}")
        raise faults.error() from error
    header: dict[str, object] = {METADATA: {SPEC_KEY: spec_text}}
    begin = 0
    for name, tensor in tensors.items():
        end = begin + tensor.size_bytes
        header[name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
        begin = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return len(text).to_bytes(LENGTH_BYTES, "little") + text
