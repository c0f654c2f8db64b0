"""A backup brought back: into an empty registry, of whatever database and store of blobs.

Blobs come first, then all rows in one transaction, so that a restore that is killed has changed
nothing that anybody sees, and can be run again. The backup is only read: its database is copied,
brought up to this release's schema, and checked there.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from multitap_registry.blobs import BlobFolder
from multitap_registry.clock import Clock, utc_now
from multitap_registry.database import Database
from multitap_registry.errors import RegistryNotFound
from multitap_registry.faults import disk_faults
from multitap_registry.folder import DATABASE_NAME, open_registry
from multitap_registry.head import lock_head, read_head
from multitap_registry.migrating import prepare_schema
from multitap_registry.sqlite import sqlite_database

from .blob_copies import BlobCopy, Progress, no_progress
from .checking import find_faults
from .errors import FaultyCopy, RegistryNotEmpty
from .rows import copy_rows, find_content, read_ready
from .snapshots import copy_file

# What is left in staging by a killed process is removed by the next one that opens the registry.
_COPY_NAME: Final = "restore.sqlite"
_BACKUP: Final = "the backup"


@dataclass(frozen=True, slots=True)
class Restoration:
    """What a registry holds now: all events up to `last_event`, and these blobs."""

    last_event: int
    blobs: int
    size_bytes: int


def restore(
    backup: Path,
    folder: Path,
    *,
    database: str | None = None,
    blobs: str | None = None,
    progress: Progress = no_progress,
    clock: Clock = utc_now,
) -> Restoration:
    """Make an empty registry, which nobody has open, hold what a backup holds.

    `folder`, `database` and `blobs` say where it is, as for `open_registry`.
    `progress` counts every byte twice: each is read and checked before any is copied.

    Raises:
        RegistryNotFound: there is no backup in the folder.
        FaultyCopy: the backup is not whole.
        RegistryNotEmpty: the registry has tasks, events or audit lines.
        RegistryLocked: a server, or somebody else, has the registry open.
        UnsupportedSchema, ValueError, InvalidBlobUrl: as `open_registry`.
        StorageFull, StorageUnavailable: a disk, the database or the object store failed.
    """
    if not (backup / DATABASE_NAME).is_file():
        raise RegistryNotFound(backup)
    with open_registry(folder, database=database, blobs=blobs, clock=clock) as registry:
        place = str(folder) if database is None else "the shared database"
        staging = folder.absolute() / "staging"
        with registry.database.snapshot() as connection:
            _require_empty(connection, place)

        def copying(done_bytes: int, total_bytes: int) -> None:
            progress(total_bytes + done_bytes, 2 * total_bytes)

        stored = BlobFolder(backup / "blobs")
        with _copied(backup, staging / _COPY_NAME, clock) as tables:
            faults = find_faults(tables, stored, lambda done, total: progress(done, 2 * total))
            if faults:
                raise FaultyCopy(_BACKUP, faults)
            with tables.snapshot() as source:
                ready = read_ready(source)
                outcome = BlobCopy(stored, registry.blobs, staging, copying).copy(ready)
                if outcome.faults or outcome.missing:
                    raise FaultyCopy(_BACKUP, [*outcome.faults, *outcome.missing])
                with registry.database.transaction() as target:
                    lock_head(target)
                    _require_empty(target, place)
                    copy_rows(source, target)
                return Restoration(read_head(source).last_event, len(ready), sum(ready.values()))


def _require_empty(connection: Connection, place: str) -> None:
    found = find_content(connection)
    if found is not None:
        raise RegistryNotEmpty(place, found)


@contextmanager
def _copied(backup: Path, path: Path, clock: Clock) -> Generator[Database, None, None]:
    """Copy the backup's tables, and bring them up to this release's schema."""
    copy_file(backup / DATABASE_NAME, path)
    copy = sqlite_database(path)
    try:
        with copy.transaction() as connection:
            prepare_schema(connection, place=str(backup), at=clock())
        yield copy
    finally:
        copy.close()
        with disk_faults("remove the copy of the backup's database"):
            path.unlink()
