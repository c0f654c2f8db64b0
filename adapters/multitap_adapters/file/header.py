"""The safetensors header: u64 length, then a JSON object that places every tensor.

Stricter than the format asks: see ``docs/adapter-file.md``, "What a reader refuses".
"""

import math
import re
from dataclasses import dataclass
from typing import cast, get_args

from .errors import FaultList, shown
from .limits import FileLimits
from .source import ByteSource
from .strict_json import JsonValue, parse_json
from .tensor import WIDTH_BYTES, DType

METADATA = "__metadata__"
SPEC_KEY = "multitap"
LENGTH_BYTES = 8
MAX_RANK = 4

_NAME = re.compile(r"[A-Za-z0-9_.]{1,200}")
_ENTRY_KEYS = {"dtype", "shape", "data_offsets"}
_OFFSETS = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a tensor stands: offsets count from the end of the header."""

    dtype: DType
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says. A tensor with a faulty entry has None in its place."""

    spec_text: str | None
    entries: dict[str, Entry | None]
    data_start: int


def parse_header(source: ByteSource, limits: FileLimits, faults: FaultList) -> Header:
    """Parse the header of a file, adding what is wrong with it to the faults.

    Raises:
        AdapterFileError: the header cannot be read at all.
    """
    text, data_start = _header_text(source, limits, faults)
    document = parse_json(text, "header", faults)
    if not isinstance(document, dict):
        raise faults.error()
    spec_text = _spec_text(document.pop(METADATA, None), faults)
    if len(document) > limits.tensors:
        faults.add("header", f"{len(document)} tensors, expected at most {limits.tensors}")
        raise faults.error()
    data_bytes = source.size_bytes - data_start
    entries = {name: _entry(name, entry, data_bytes, faults) for name, entry in document.items()}
    _check_contiguous(entries, data_bytes, faults)
    return Header(spec_text, entries, data_start)


def _header_text(source: ByteSource, limits: FileLimits, faults: FaultList) -> tuple[str, int]:
    size = source.size_bytes
    if size < LENGTH_BYTES:
        faults.add("file", f"{size} bytes, too short for the {LENGTH_BYTES}-byte header length")
        raise faults.error()
    length = int.from_bytes(source.read(0, LENGTH_BYTES), "little")
    end = LENGTH_BYTES + length
    if length > limits.header_bytes:
        faults.add("header", f"{length} bytes, expected at most {limits.header_bytes}")
    elif end > size:
        faults.add("file", f"cut off: the header ends at byte {end} of {size}")
    if faults.total:
        raise faults.error()
    raw = bytes(source.read(LENGTH_BYTES, length)).rstrip(b" ")
    if not raw.startswith(b"{") or not raw.endswith(b"}"):
        faults.add("header", "expected a JSON object, padded at its end with spaces only")
        raise faults.error()
    try:
        return raw.decode(), end
    except UnicodeDecodeError as error:
        faults.add("header", f"not UTF-8 at byte {error.start} of the header")
        raise faults.error() from error


def _spec_text(metadata: JsonValue, faults: FaultList) -> str | None:
    if not isinstance(metadata, dict):
        faults.add("header", f"expected {METADATA} with the one key {SPEC_KEY!r}")
        return None
    for key in metadata:
        if key != SPEC_KEY:
            faults.add(f"header.{METADATA}", f"unexpected key {shown(key)}")
    text = metadata.get(SPEC_KEY)
    if not isinstance(text, str):
        faults.add(f"header.{METADATA}", f"expected a text under {SPEC_KEY!r}")
        return None
    return text


def _entry(name: str, entry: JsonValue, data_bytes: int, faults: FaultList) -> Entry | None:
    at = f"tensors.{name}"
    before = faults.total
    if not _NAME.fullmatch(name):
        faults.add("header", f"tensor name {shown(name)}, expected [A-Za-z0-9_.]{{1,200}}")
    if not isinstance(entry, dict) or entry.keys() != _ENTRY_KEYS:
        found = sorted(entry) if isinstance(entry, dict) else entry
        faults.add(at, f"expected the keys dtype, shape and data_offsets, got {shown(found)}")
        return None
    dtype = entry["dtype"]
    if dtype not in get_args(DType):
        faults.add(at, f"dtype {shown(dtype)}, expected one of {', '.join(get_args(DType))}")
    shape = _sizes(entry["shape"])
    if shape is None or len(shape) > MAX_RANK:
        faults.add(at, f"shape {shown(entry['shape'])}, expected at most {MAX_RANK} sizes")
    offsets = _sizes(entry["data_offsets"])
    if offsets is None or len(offsets) != _OFFSETS or not offsets[0] <= offsets[1] <= data_bytes:
        faults.add(
            at,
            f"data_offsets {shown(entry['data_offsets'])}, expected a begin and an end "
            f"within {data_bytes} bytes of data",
        )
    if faults.total > before or shape is None or offsets is None:
        return None
    return _sized(at, Entry(cast("DType", dtype), shape, offsets[0], offsets[1]), faults)


def _sized(at: str, entry: Entry, faults: FaultList) -> Entry | None:
    expected = math.prod(entry.shape) * WIDTH_BYTES[entry.dtype]
    if entry.end - entry.begin != expected:
        faults.add(
            at,
            f"{entry.end - entry.begin} bytes of data, expected {expected} "
            f"for {entry.dtype} {list(entry.shape)}",
        )
        return None
    return entry


def _sizes(value: JsonValue) -> tuple[int, ...] | None:
    """Return a list of natural numbers as a tuple, or None if it is anything else."""
    if not isinstance(value, list):
        return None
    sizes = tuple(v for v in value if isinstance(v, int) and not isinstance(v, bool) and v >= 0)
    return sizes if len(sizes) == len(value) else None


def _check_contiguous(entries: dict[str, Entry | None], data_bytes: int, faults: FaultList) -> None:
    """Add a fault for every hole and overlap; says nothing where entries are faulty already."""
    placed = [(entry.begin, entry.end, name) for name, entry in entries.items() if entry]
    if len(placed) != len(entries):
        return
    reached = 0
    for begin, end, name in sorted(placed):
        if begin > reached:
            faults.add(f"tensors.{name}", f"a hole of {begin - reached} bytes lies before it")
        elif begin < reached:
            faults.add(f"tensors.{name}", f"overlaps another tensor by {reached - begin} bytes")
        reached = max(reached, end)
    if reached < data_bytes:
        faults.add("file", f"{data_bytes - reached} bytes follow the last tensor")
