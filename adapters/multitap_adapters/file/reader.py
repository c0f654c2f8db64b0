"""Reading an adapter file strictly: header, specification, names and shapes, finite values.

Everything that is wrong is reported at once, in one error. The file may be in memory or elsewhere;
of one that is elsewhere, never more than the header and a chunk are in memory.
"""

import hashlib
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from multitap_adapters.spec import AdapterSpec

from .errors import FaultList
from .finite import count_not_finite
from .header import Entry, parse_header
from .layout import tensor_shapes
from .limits import FileLimits
from .source import ByteSource, MemorySource, chunks
from .specification import parse_spec
from .tensors import FileTensors

_DEFAULT_LIMITS = FileLimits()


@dataclass(frozen=True, slots=True)
class AdapterFile:
    """A file that passed every check.

    ``tensors`` are in grammar order, and are read from the source that was parsed. ``digest`` is
    the SHA-256 of the whole file, as ``sha256:<hex>``.
    """

    spec: AdapterSpec
    tensors: FileTensors
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
    return parse_source(MemorySource(data), limits=limits)


def parse_source(
    source: ByteSource, *, limits: FileLimits = _DEFAULT_LIMITS, digest: str | None = None
) -> AdapterFile:
    """Parse a file in a few megabytes of memory. The result's tensors are read from the source.

    ``digest`` is the source's where the caller has computed it already.

    Raises:
        AdapterFileError: with everything that is wrong; and whatever the source raises.
    """
    faults = FaultList()
    if source.size_bytes > limits.size_bytes:
        faults.add("file", f"larger than {limits.size_bytes} bytes")
        raise faults.error()
    header = parse_header(source, limits, faults)
    spec = None if header.spec_text is None else parse_spec(header.spec_text, faults)
    implied = {} if spec is None else tensor_shapes(spec)
    if spec is not None:
        _check_layout(implied, header.entries, faults)
    entries = {name: entry for name, entry in header.entries.items() if entry is not None}
    _check_finite(FileTensors(source, entries, header.data_start), faults)
    if spec is None or faults.total:
        raise faults.error()
    return AdapterFile(
        spec=spec,
        tensors=FileTensors(source, {name: entries[name] for name in implied}, header.data_start),
        digest=digest or digest_of(source),
        size_bytes=source.size_bytes,
    )


def digest_of(source: ByteSource) -> str:
    """Return the SHA-256 of a file as ``sha256:<hex>``; raises what the source raises."""
    state = hashlib.sha256()
    for chunk in chunks(source, 0, source.size_bytes):
        state.update(chunk)
    return f"sha256:{state.hexdigest()}"


def _check_layout(
    implied: Mapping[str, tuple[int, ...]], entries: Mapping[str, Entry | None], faults: FaultList
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


def _check_finite(tensors: FileTensors, faults: FaultList) -> None:
    for name in tensors:
        count = sum(map(count_not_finite, tensors.pieces(name)))
        if count:
            verb = "is" if count == 1 else "are"
            total = math.prod(tensors.shape(name))
            faults.add(f"tensors.{name}", f"{count} of {total} values {verb} not finite")
