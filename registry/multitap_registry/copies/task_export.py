"""A task with its whole history, written as one folder that `task_folder.py` reads."""

import hashlib
import os
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from multitap_registry.blobs import BlobStore
from multitap_registry.contract import VersionRecord
from multitap_registry.durable import make_folder
from multitap_registry.errors import CorruptBlob
from multitap_registry.faults import disk_faults
from multitap_registry.sql import SqlRegistry
from multitap_registry.task_copy import TaskCopy

from .blob_copies import Outcome, Progress, no_progress
from .errors import FaultyCopy, TaskTooLarge
from .new_folder import new_folder
from .task_document import DOCUMENT_NAME, MAX_DOCUMENT_BYTES, VERSIONS_NAME, describe, file_name

TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class TaskExport:
    """What a task's folder holds; `digest` is that of its document, which names all others."""

    copy: TaskCopy
    digest: str
    size_bytes: int


def export_task(
    registry: SqlRegistry, task: str, target: Path, *, progress: Progress = no_progress
) -> TaskExport:
    """Write a task to a new folder, while others change the registry.

    Raises:
        InvalidReference, TaskNotFound: there never was such a task.
        DestinationTaken, CopyInUse: there is something where the folder shall be.
        TaskTooLarge: its document would be larger than a reader takes.
        FaultyCopy: a file of a ready version is missing or damaged.
        StorageFull, StorageUnavailable: a disk, the database or the object store failed.
    """
    registry.copy_task(task)
    with new_folder(target) as folder:
        with disk_faults("make the folder of a task's versions"):
            make_folder(folder / VERSIONS_NAME)
        copy = _export_versions(registry, task, folder / VERSIONS_NAME, progress)
        document = describe(copy).model_dump_json(indent=2).encode() + b"\n"
        if len(document) > MAX_DOCUMENT_BYTES:
            raise TaskTooLarge(task, len(document), MAX_DOCUMENT_BYTES)
        with _new_file(folder / DOCUMENT_NAME) as file:
            file.write(document)
    digest = f"sha256:{hashlib.sha256(document).hexdigest()}"
    return TaskExport(copy, digest, sum(record.size_bytes for record in _ready(copy)))


def _export_versions(
    registry: SqlRegistry, task: str, folder: Path, progress: Progress
) -> TaskCopy:
    """Write the files of a moment's ready versions, and return the task as it was then."""
    files = _VersionFiles(registry.blobs, folder, progress)
    outcome = Outcome()
    for _ in range(TRIES):
        copy = registry.copy_task(task)
        # A version that was deleted and collected meanwhile is a tombstone in a newer look.
        outcome = files.bring_to(_ready(copy))
        if outcome.faults:
            break
        if not outcome.missing:
            return copy
    raise FaultyCopy(f"task {task!r}", [*outcome.faults, *outcome.missing])


class _VersionFiles:
    """The folder of versions, brought from one moment of the task to the next."""

    def __init__(self, blobs: BlobStore, folder: Path, progress: Progress) -> None:
        self._blobs: Final = blobs
        self._folder: Final = folder
        self._progress: Final = progress
        self._written: Final[set[int]] = set()

    def bring_to(self, ready: Sequence[VersionRecord]) -> Outcome:
        """Write the files that are not there yet, and remove those of other versions."""
        for number in self._written - {record.version for record in ready}:
            with disk_faults("remove the file of a deleted version"):
                (self._folder / file_name(number)).unlink()
            self._written.remove(number)
        outcome = Outcome()
        done, total = 0, sum(record.size_bytes for record in ready)
        for record in ready:
            try:
                if record.version not in self._written:
                    self._write(record)
                    self._written.add(record.version)
            except CorruptBlob as error:
                kept = outcome.missing if error.found is None else outcome.faults
                kept.append(str(error))
            done += record.size_bytes
            self._progress(done, total)
        return outcome

    def _write(self, record: VersionRecord) -> None:
        path = self._folder / file_name(record.version)
        try:
            with closing(self._blobs.read_chunks(record.digest)) as chunks, _new_file(path) as file:
                for chunk in chunks:
                    file.write(chunk)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


@contextmanager
def _new_file(path: Path) -> Generator[BinaryIO, None, None]:
    """Yield a new file, which is durable when the block ends."""
    with disk_faults(f"make {path.name!r}"):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with disk_faults(f"keep {path.name!r}"), os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(descriptor)


def _ready(copy: TaskCopy) -> list[VersionRecord]:
    return [record for record in copy.state.versions.values() if record.state == "ready"]
