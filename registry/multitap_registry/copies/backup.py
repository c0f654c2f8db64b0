"""A backup of a registry that serves: a new folder, which is a registry of one moment.

The tables come first, as they were at one moment, then the blobs of that moment's ready versions.
A blob that is gone by then belonged to a version that was deleted and collected meanwhile: a newer
snapshot is taken, and only what it has more is copied.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from multitap_registry.blobs import BlobFolder, BlobStore
from multitap_registry.clock import Clock, utc_now
from multitap_registry.database import Database
from multitap_registry.durable import make_folder
from multitap_registry.faults import disk_faults
from multitap_registry.folder import DATABASE_NAME
from multitap_registry.head import read_head
from multitap_registry.sqlite import sqlite_database

from .blob_copies import BlobCopy, Outcome, Progress, no_progress
from .checking import find_table_faults
from .errors import FaultyCopy
from .new_folder import new_folder
from .rows import read_ready
from .snapshots import take_snapshot

SNAPSHOTS: Final = 10
_EVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Moment:
    last_event: int
    ready: dict[str, int]


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds: all events up to `last_event`, and these blobs."""

    folder: Path
    last_event: int
    blobs: int
    size_bytes: int


def back_up(
    database: Database,
    blobs: BlobStore,
    target: Path,
    *,
    progress: Progress = no_progress,
    clock: Clock = utc_now,
) -> Backup:
    """Make a backup in a new folder, while others change the registry.

    Raises:
        DestinationTaken, CopyInUse: there is something where the backup shall be.
        FaultyCopy: a blob of a ready version is missing or damaged, or tables disagree.
        StorageFull, StorageUnavailable: a disk, the database or the object store failed.
    """
    with new_folder(target) as folder:
        with disk_faults("make the folders of a backup"):
            for name in ("blobs", "staging", "sessions"):
                make_folder(folder / name)
        copied = BlobFolder(folder / "blobs")
        copy = BlobCopy(blobs, copied, folder / "staging", progress)
        made = _copy_all(database, copy, folder, clock)
        for blob in copied.blobs():
            if blob.digest not in made.ready:
                copied.remove(blob.digest, stored_before=_EVER)
    return Backup(target.absolute(), made.last_event, len(made.ready), sum(made.ready.values()))


def _copy_all(source: Database, copy: BlobCopy, folder: Path, clock: Clock) -> _Moment:
    """Return the moment whose tables and blobs the folder holds."""
    path = folder / DATABASE_NAME
    outcome = Outcome()
    for _ in range(SNAPSHOTS):
        with disk_faults("remove an earlier copy of the database"):
            path.unlink(missing_ok=True)
        take_snapshot(source, path, at=clock())
        moment = _read_back(path)
        outcome = copy.copy(moment.ready)
        if outcome.faults:
            break
        if not outcome.missing:
            return moment
    raise FaultyCopy("the registry", [*outcome.faults, *outcome.missing])


def _read_back(path: Path) -> _Moment:
    copy = sqlite_database(path)
    try:
        faults = find_table_faults(copy)
        if faults:
            raise FaultyCopy("the registry", faults)
        with copy.snapshot() as connection:
            return _Moment(read_head(connection).last_event, read_ready(connection))
    finally:
        copy.close()
