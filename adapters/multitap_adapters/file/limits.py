"""How large a file may be before its content is looked at."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileLimits:
    """The bounds that a reader and a writer keep to."""

    size_bytes: int = 256 * MIB
    header_bytes: int = MIB
    tensors: int = 4_096
