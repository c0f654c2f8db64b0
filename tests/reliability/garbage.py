"""Garbage collection without any grace, beside whatever else goes on."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from multitap_registry.blobs import BlobStore
from multitap_registry.care import collect, find_orphans
from multitap_registry.database import Database
from multitap_registry.errors import RegistryError
from multitap_registry.folder import open_parts


def collect_garbage(database: Database, blobs: BlobStore) -> None:
    """Remove every blob that no ready version needs now; a storage that fails ends it early."""
    soon = datetime.now(UTC) + timedelta(seconds=2)
    with suppress(RegistryError):
        for _ in collect(database, blobs, find_orphans(database, blobs), stored_before=soon):
            pass


def collect_beside(folder: Path) -> None:
    """Do it in a folder that a server has open, or had; nothing where there is none yet."""
    with suppress(RegistryError), open_parts(folder) as parts:
        collect_garbage(parts.database, parts.blobs)
