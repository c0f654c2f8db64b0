"""Adapter files by their digest: in a local folder, in an object store, or in memory."""

from .contract import CHUNK_BYTES, Blob, BlobSource, BlobStore
from .folder import BlobFolder
from .memory import MemoryBlobs
from .opening import open_blobs

__all__ = [
    "CHUNK_BYTES",
    "Blob",
    "BlobFolder",
    "BlobSource",
    "BlobStore",
    "MemoryBlobs",
    "open_blobs",
]
