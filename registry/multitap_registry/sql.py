"""A registry over an SQL database and a store of blobs, with every task in memory.

The order of a publish: the file is staged, checked and durable under its digest before the lock
is taken; under the lock the change is worked out from memory, committed in one transaction, and
only then shown to readers. A failed commit may have taken place: memory is then read anew from
the database before the next change, so it never runs ahead of the database nor away from it.
"""

import threading
from contextlib import suppress
from typing import Final

from .blobs import BlobStore
from .change import Change, plan_move, plan_publication
from .clock import Clock
from .contract import UNSET, Page, Publication, TaskRecord, Unset, Upload, VersionRecord
from .database import Database
from .errors import RegistryError, StorageUnavailable
from .index import Index
from .reference import Reference, parse_alias, parse_task
from .rows import read_states, write_change
from .sessions import UploadSessions
from .staging import StagedUpload, StagingFolder


class SqlRegistry:
    """The registry that servers use; `open_registry` makes one."""

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        staging: StagingFolder,
        *,
        sessions: UploadSessions,
        clock: Clock,
    ) -> None:
        self._database: Final = database
        self._blobs: Final = blobs
        self._staging: Final = staging
        self._sessions: Final = sessions
        self._clock: Final = clock
        self._lock: Final = threading.Lock()
        self._index: Final = Index()
        self._stale = True
        self._closed = False
        with self._lock:
            self._refresh()

    def begin_upload(self) -> StagedUpload:
        """Start staging an upload; see the contract, as for everything below."""
        return self._staging.begin_upload()

    @property
    def sessions(self) -> UploadSessions:
        """Uploads that arrive in parts."""
        return self._sessions

    def publish(
        self, task: str, upload: Upload, *, by: str, alias: str | None = None
    ) -> Publication:
        """Make a sealed upload a version of a task, durably."""
        parse_task(task)
        if alias is not None:
            parse_alias(alias)
        if not isinstance(upload, StagedUpload):
            raise TypeError(f"the upload must be one of this registry's, got {type(upload)!r}")
        file = upload.seal()
        self._blobs.store(upload)
        with self._lock:
            self._refresh()
            change = plan_publication(
                self._index.get(task), task, file, alias=alias, by=by, at=self._clock()
            )
            self._commit(change)
        return change.publication

    def point(
        self,
        task: str,
        alias: str,
        version: int,
        *,
        by: str,
        expected: int | Unset | None = UNSET,
        reason: str | None = None,
    ) -> VersionRecord:
        """Move an alias to a ready version, durably."""
        parse_alias(alias)
        with self._lock:
            self._refresh()
            change = plan_move(
                self._index.get(task),
                task,
                alias,
                version,
                expected=expected,
                reason=reason,
                by=by,
                at=self._clock(),
            )
            self._commit(change)
        return change.record

    def resolve(self, reference: Reference) -> VersionRecord:
        """Return the ready version that a reference names, from memory."""
        return self._index.resolve(reference)

    def task(self, task: str) -> TaskRecord:
        """Return one task."""
        return self._index.task(task)

    def tasks(
        self, *, limit: int, after: str | None = None, kind: str | None = None, query: str = ""
    ) -> Page[TaskRecord]:
        """List tasks by name."""
        return self._index.tasks(limit=limit, after=after, kind=kind, query=query)

    def version(self, task: str, version: int) -> VersionRecord:
        """Return one version."""
        return self._index.version(task, version)

    def versions(self, task: str, *, limit: int, after: str | None = None) -> Page[VersionRecord]:
        """List a task's versions, newest first."""
        return self._index.versions(task, limit=limit, after=after)

    def read_blob(self, digest: str) -> bytes:
        """Return an adapter file's bytes, checked against their digest."""
        return self._blobs.read(digest)

    def check(self) -> None:
        """Write to the staging folder and the store of blobs, and take the database's lock."""
        with self._lock:
            self._refresh()
        self._staging.probe()
        self._blobs.probe()
        self._database.probe()

    def close(self) -> None:
        """Refuse every later change; waits for the one that is under way."""
        with self._lock:
            self._closed = True
            self._database.close()

    def _refresh(self) -> None:
        if self._closed:
            raise StorageUnavailable("the registry is closed")
        if self._stale:
            with self._database.transaction() as connection:
                states = read_states(connection)
            self._index.replace(states)
            self._stale = False

    def _commit(self, change: Change) -> None:
        if change.is_empty:
            return
        # Stale until memory has the change too, whatever ends this block.
        self._stale = True
        try:
            with self._database.transaction() as connection:
                write_change(connection, change)
        except RegistryError:
            # If this fails as well, the next change or check tries again before anything else.
            with suppress(RegistryError):
                self._refresh()
            raise
        self._index.put(change.after)
        self._stale = False
