"""SHA-256 digests: of bytes, of files, and of a backbone's weights."""

import hashlib
import struct
from collections.abc import Iterable
from pathlib import Path


def digest_bytes(data: bytes) -> str:
    """Return `sha256:<hex>`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def digest_file(path: Path) -> str:
    """Return the digest of a whole file's bytes."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def digest_tensors(tensors: Iterable[tuple[str, str, tuple[int, ...], memoryview]]) -> str:
    """Return the digest of tensors given as name, dtype (safetensors' name), shape and raw bytes.

    Sorted by name; each is framed as u32 length and name, u32 length and dtype, u32 rank and u64
    sizes, little-endian, then its bytes, so that no two different sets of tensors share a stream.
    """
    sha256 = hashlib.sha256()
    for name, dtype, shape, data in sorted(tensors, key=lambda tensor: tensor[0]):
        for text in (name.encode(), dtype.encode()):
            sha256.update(struct.pack("<I", len(text)) + text)
        sha256.update(struct.pack(f"<I{len(shape)}Q", len(shape), *shape))
        sha256.update(data)
    return f"sha256:{sha256.hexdigest()}"
