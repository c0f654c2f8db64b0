"""Stores of blobs of each kind, with what a test needs to damage them behind their backs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from obstore.store import S3Store

from multitap_registry.blobs import BlobFolder, BlobStore, MemoryBlobs
from multitap_registry.blobs.object_connection import RequestLimits
from multitap_registry.blobs.object_place import ObjectPlace
from multitap_registry.blobs.objects import ObjectBlobs
from object_servers import ACCESS_KEY, BUCKET, SECRET_KEY, ObjectServer

# What makes variables the only ones of AWS in the environment.
SetVariables = Callable[[dict[str, str]], None]
# Long enough for a busy machine, with one more try at once.
PATIENT = RequestLimits(connect_s=10, idle_s=20, request_s=40, retries=1, retry_s=1)


@dataclass(frozen=True)
class Place:
    """A store, and its bytes by name: ``sha256/ab/abcd...`` and others."""

    blobs: BlobStore
    read: Callable[[str], bytes]
    write: Callable[[str, bytes], object]


def memory_place() -> Place:
    """Return blobs in memory."""
    blobs = MemoryBlobs()

    def digest(name: str) -> str:
        return f"sha256:{name.rpartition('/')[2]}"

    def read(name: str) -> bytes:
        return blobs.quarantined.get(name) or blobs.contents[digest(name)]

    def write(name: str, content: bytes) -> None:
        blobs.contents[digest(name)] = content

    return Place(blobs, read, write)


def folder_place(folder: Path) -> Place:
    """Return blobs in a folder that is there."""
    return Place(
        BlobFolder(folder),
        lambda name: (folder / name).read_bytes(),
        lambda name, content: (folder / name).write_bytes(content),
    )


def object_place(server: ObjectServer, prefix: str) -> Place:
    """Return blobs on a server; its variables must be in the environment."""
    raw = S3Store(
        BUCKET,
        prefix=prefix,
        config={
            "access_key_id": ACCESS_KEY,
            "endpoint": server.url,
            "secret_access_key": SECRET_KEY,
        },
        client_options={"allow_http": True},
    )
    return Place(
        ObjectBlobs(ObjectPlace(BUCKET, prefix), PATIENT),
        lambda name: raw.get(name).bytes().to_bytes(),
        lambda name, content: raw.put(name, content, use_multipart=False),
    )
