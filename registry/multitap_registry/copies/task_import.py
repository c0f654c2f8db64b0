"""A task's folder made a task of another registry, with all of its history, as one change."""

from dataclasses import dataclass
from pathlib import Path

from multitap_registry.contract import Upload, VersionRecord
from multitap_registry.copying import CopyingRegistry
from multitap_registry.reference import parse_task
from multitap_registry.task_state import TaskState

from .blob_copies import Progress, no_progress
from .task_folder import TaskFolder


@dataclass(frozen=True, slots=True)
class TaskImport:
    """What was imported; `digest` is that of the folder's document."""

    state: TaskState
    digest: str
    size_bytes: int


def import_task(
    registry: CopyingRegistry,
    folder: Path,
    *,
    by: str,
    max_upload_bytes: int,
    name: str | None = None,
    reason: str | None = None,
    progress: Progress = no_progress,
) -> TaskImport:
    """Import a folder, under its task's name or another one.

    Raises:
        InvalidReference: the name breaks the grammar.
        FaultyCopy: the folder breaks the rules, with everything that is wrong.
        TaskNameTaken: there is, or was, a task of this name.
        AdapterFileError, UploadTooLarge, CorruptBlob: the folder was changed meanwhile.
        StorageFull, StorageUnavailable: nothing was imported, or a commit failed half-way.
    """
    if name is not None:
        parse_task(name)
    found = TaskFolder.read(folder, max_upload_bytes=max_upload_bytes)
    copy = found.copy if name is None else found.copy.renamed(name)
    ready = [record for record in copy.state.versions.values() if record.state == "ready"]
    total = sum(record.size_bytes for record in ready)
    done = 0

    def write(record: VersionRecord, upload: Upload) -> None:
        nonlocal done
        found.write(record, upload)
        done += record.size_bytes
        progress(min(done, total), total)

    state = registry.import_task(copy, write, digest=found.digest, by=by, reason=reason)
    return TaskImport(state, found.digest, total)
