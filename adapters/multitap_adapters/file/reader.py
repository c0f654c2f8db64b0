"""Reading an adapter file strictly: header, specification, names and shapes, finite values.

Everything that is wrong is reported at once, in one error.
"""

import hashlib
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from multitap_adapters.spec import AdapterSpec

from .errors import FaultList
from .finite import count_not_finite
from .header import Entry, Header, parse_header
from .layout import tensor_shapes
from .limits import FileLimits
from .specification import parse_spec
from .tensor import TensorData

_DEFAULT_LIMITS = FileLimits()


@dataclass(frozen=True, slots=True)
class AdapterFile:
    """A file that passed every check.

    ``tensors`` are in grammar order, and view the bytes that were parsed. ``digest`` is the
    SHA-256 of the whole file, as ``sha256:<hex>``.
    """

    spec: AdapterSpec
    tensors: Mapping[str, TensorData]
    digest: str
    size_bytes: int


def read_adapter(path: str | Path, *, limits: FileLimits = _DEFAULT_LIMITS) -> AdapterFile:
    """Read a file from disk; takes no more memory than the limits allow, whatever its size.

    Raises:
        AdapterFileError: with everything that is wrong.
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        size_bytes = os.fstat(file.fileno()).st_size
        data = file.read(min(size_bytes, limits.size_bytes) + 1)
    return parse_adapter(data, limits=limits)


def parse_adapter(data: bytes | memoryview, *, limits: FileLimits = _DEFAULT_LIMITS) -> AdapterFile:
    """Parse a whole file. The result keeps ``data`` alive, which must not change.

    Raises:
        AdapterFileError: with everything that is wrong.
    """
    view = memoryview(data).cast("B")
    faults = FaultList()
    if len(view) > limits.size_bytes:
        faults.add("file", f"larger than {limits.size_bytes} bytes")
        raise faults.error()
    header = parse_header(view, limits, faults)
    spec = None if header.spec_text is None else parse_spec(header.spec_text, faults)
    implied = {} if spec is None else tensor_shapes(spec)
    if spec is not None:
        _check_layout(implied, header.entries, faults)
    tensors = _tensors(view, header)
    _check_finite(tensors, faults)
    if spec is None or faults.total:
        raise faults.error()
    return AdapterFile(
        spec=spec,
        tensors=MappingProxyType({name: tensors[name] for name in implied}),
        digest=f"sha256:{hashlib.sha256(view).hexdigest()}",
        size_bytes=len(view),
    )


def _check_layout(
    implied: dict[str, tuple[int, ...]], entries: dict[str, Entry | None], faults: FaultList
) -> None:
    for name, shape in implied.items():
        if name not in entries:
            faults.add(f"tensors.{name}", f"is missing, expected shape {list(shape)}")
            continue
        entry = entries[name]
        if entry is not None and entry.shape != shape:
            faults.add(f"tensors.{name}", f"shape {list(entry.shape)}, expected {list(shape)}")
    for name in entries:
        if name not in implied:
            faults.add(f"tensors.{name}", "is not part of this specification")


def _tensors(view: memoryview, header: Header) -> dict[str, TensorData]:
    data = view[header.data_start :]
    return {
        name: TensorData(entry.dtype, entry.shape, data[entry.begin : entry.end])
        for name, entry in header.entries.items()
        if entry is not None
    }


def _check_finite(tensors: dict[str, TensorData], faults: FaultList) -> None:
    for name, tensor in tensors.items():
        count = count_not_finite(tensor)
        if count:
            verb = "is" if count == 1 else "are"
            faults.add(
                f"tensors.{name}", f"{count} of {math.prod(tensor.shape)} values {verb} not finite"
            )
