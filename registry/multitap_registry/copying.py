"""The part of a registry that gives and takes a whole task, with all of its history.

It is no part of the contract: no client may say who published what, or when.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import Final

from .change import Change
from .contract import Upload, VersionRecord
from .errors import CorruptBlob, StorageUnavailable, TaskNameTaken
from .planned import PlannedRegistry
from .rules import HistoryOf, plan_import
from .task_copy import TaskCopy
from .task_state import TaskState

_IMPORT_TRIES: Final = 5


class CopyingRegistry(PlannedRegistry, ABC):
    """A registry whose tasks can be taken out whole, and brought in."""

    @abstractmethod
    def begin_upload(self) -> Upload:
        """Start staging an upload."""

    @abstractmethod
    def copy_task(self, task: str) -> TaskCopy:
        """Return a task with its whole history, also one that was deleted.

        Raises:
            InvalidReference: the name breaks the grammar.
            TaskNotFound: there never was such a task.
            StorageUnavailable: it cannot be read.
        """

    @abstractmethod
    def _has_blob(self, digest: str) -> bool:
        """Return whether a blob is there."""

    def import_task(
        self,
        copy: TaskCopy,
        write: Callable[[VersionRecord, Upload], None],
        *,
        digest: str,
        by: str,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> TaskState:
        """Make a task that is new here, with the numbers, times and names that it had elsewhere.

        `write` writes the bytes of a ready version to an upload, and is called again where
        somebody who collects garbage was faster than a long import. `digest` is that of the
        document that described the task; the event and the audit line name it.

        Raises:
            TaskNameTaken: there is, or was, a task of this name.
            AdapterFileError, UploadTooLarge: a file is no adapter, or too large.
            CorruptBlob: a file has another digest or size than its version.
            StorageFull, StorageUnavailable: nothing changed, but for blobs without a row.
        """
        task = copy.state.task

        def plan(state: TaskState | None, _: HistoryOf) -> Change:
            change = plan_import(state, self._occasion(by, reason, request_id), copy, digest)
            lost = [found for found in copy.state.ready if not self._has_blob(found)]
            if lost:
                raise _Collected(lost)
            return change

        missing: Collection[str] = list(copy.state.ready)
        for _ in range(_IMPORT_TRIES):
            if self._index.get(task) is not None:
                raise TaskNameTaken(task)
            for found in missing:
                self._store(copy.state.versions[copy.state.ready[found]], write)
            try:
                return self._change(task, plan).after
            except _Collected as error:
                missing = error.digests
        raise StorageUnavailable("blobs of the import were removed again and again")

    def _store(self, record: VersionRecord, write: Callable[[VersionRecord, Upload], None]) -> None:
        with self.begin_upload() as upload:
            write(record, upload)
            file = upload.seal()
            if file.digest != record.digest:
                raise CorruptBlob(record.digest, file.digest)
            if file.size_bytes != record.size_bytes:
                raise CorruptBlob(record.digest, f"{file.size_bytes} bytes")
            self._keep(upload)


class _Collected(Exception):
    """Blobs of an import were removed before its rows were written."""

    def __init__(self, digests: Collection[str]) -> None:
        self.digests = digests
        super().__init__(f"{len(digests)} blobs are gone")
