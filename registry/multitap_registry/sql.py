"""A registry over an SQL database and a store of blobs, with every task in memory.

The order of a publish: the file is staged, checked and durable under its digest before the lock
is taken; under the lock it is stored again if a collector removed it meanwhile. A change locks the
row that orders all changes, brings memory up to what other servers did, plans, writes the change
with its logs, commits, and only then shows it to readers. A failed commit may have taken place:
memory is then read anew from the database before the next change, so it never runs ahead of the
database nor away from it.
"""

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection

from multitap_adapters.file import AdapterFile

from .blobs import BlobStore
from .change import Change
from .change_rows import write_change
from .clock import Clock
from .contract import AliasMove, AuditEntry, AuditLine, Event, Upload
from .copying import CopyingRegistry
from .database import Database
from .errors import AliasNotFound, RegistryError, StorageUnavailable, TaskNotFound
from .following import Follower
from .head import lock_head, move_head
from .log_rows import read_audit, read_events, read_histories, read_history, write_audit
from .reference import parse_task
from .replica import Replica
from .rules import Plan
from .sessions import UploadSessions
from .staging import StagedUpload, StagingFolder
from .state_rows import read_state
from .task_copy import TaskCopy

# A moved alias is to be served by every server within 2 s.
FOLLOW_INTERVAL_S: Final = 0.5


class SqlRegistry(CopyingRegistry):
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
        super().__init__(clock)
        self._database: Final = database
        self._blobs: Final = blobs
        self._staging: Final = staging
        self._sessions: Final = sessions
        self._lock: Final = threading.Lock()
        self._replica: Final = Replica(database, self._index)
        self._closed = False
        self._follower: Follower | None = None
        self.catch_up()

    def begin_upload(self) -> StagedUpload:
        """Start staging an upload; see the contract, as for everything below."""
        return self._staging.begin_upload()

    @property
    def sessions(self) -> UploadSessions:
        """Uploads that arrive in parts."""
        return self._sessions

    @property
    def database(self) -> Database:
        """The tables, for care."""
        return self._database

    @property
    def blobs(self) -> BlobStore:
        """The store of blobs, for care."""
        return self._blobs

    def history(self, task: str, alias: str) -> Sequence[AliasMove]:
        """Return every move of an alias, oldest first."""
        self.task(task)
        with self._reading() as connection:
            moves = read_history(connection, task, alias)
        if not moves:
            raise AliasNotFound(task, alias)
        return moves

    def copy_task(self, task: str) -> TaskCopy:
        """Return a task with its whole history."""
        self.catch_up()
        if self._index.get(parse_task(task)) is None:
            raise TaskNotFound(task)
        with self._reading() as connection:
            return TaskCopy(read_state(connection, task, None), read_histories(connection, task))

    def events(self, *, after: int, limit: int) -> Sequence[Event]:
        """Return the events behind number `after` that reads show already."""
        until = self.last_event()
        with self._reading() as connection:
            return read_events(connection, after=after, until=until, limit=limit)

    def audit(self, *, after: int, limit: int) -> Sequence[AuditLine]:
        """Return the audit lines behind number `after`."""
        with self._reading() as connection:
            return read_audit(connection, after=after, limit=limit)

    def read_blob(self, digest: str) -> bytes:
        """Return an adapter file's bytes, checked against their digest."""
        return self._blobs.read(digest)

    def read_chunks(
        self, digest: str, *, first: int = 0, last: int | None = None
    ) -> Generator[bytes, None, None]:
        """Yield an adapter file's bytes from `first` to `last`."""
        return self._blobs.read_chunks(digest, first=first, last=last)

    def check(self) -> None:
        """Write to the staging folder and the store of blobs, and take the database's lock."""
        self.catch_up()
        self._staging.probe()
        self._blobs.probe()
        with self._database.transaction() as connection:
            lock_head(connection)

    def catch_up(self) -> None:
        """Show what others changed in the database since the last look.

        Raises:
            StorageFull, StorageUnavailable: it cannot be read; memory stays as it is.
        """
        with self._telling(), self._lock:
            self._require_open()
            self._replica.catch_up()

    @contextmanager
    def follow(self, *, interval_s: float = FOLLOW_INTERVAL_S) -> Generator[Follower, None, None]:
        """Keep catching up in a thread, also after the database was away, until the block ends."""
        with Follower(self.catch_up, interval_s=interval_s, clock=self._clock) as follower:
            self._follower = follower
            try:
                yield follower
            finally:
                self._follower = None

    @property
    def lagging_since(self) -> datetime | None:
        """Since when reads may miss what others changed, None where they do not; see `follow`."""
        return None if self._follower is None else self._follower.lagging_since

    def close(self) -> None:
        """Refuse every later change; waits for the one that is under way."""
        with self._lock:
            self._closed = True
            self._database.close()

    def _keep(self, upload: Upload) -> AdapterFile:
        staged = _staged(upload)
        file = staged.seal()
        self._blobs.store(staged)
        return file

    def _keep_still(self, upload: Upload, file: AdapterFile) -> None:
        if self._blobs.stat(file.digest) is None:
            self._blobs.store(_staged(upload))

    def _has_blob(self, digest: str) -> bool:
        return self._blobs.stat(digest) is not None

    def _change(self, task: str, plan: Plan) -> Change:
        with self._telling(), self._lock:
            self._require_open()
            self._replica.refresh()
            try:
                with self._database.transaction() as connection:
                    head = lock_head(connection)
                    self._replica.follow(connection, head)
                    change = plan(self._index.get(task), partial(read_history, connection, task))
                    if not change.is_empty:
                        # Until memory has the change too, whatever ends this block.
                        self._replica.is_stale = True
                        head = write_change(connection, change, head)
            except RegistryError:
                # If this fails as well, the next change or look tries again before anything else.
                with suppress(RegistryError):
                    self._replica.refresh()
                raise
            if not change.is_empty:
                self._index.put([change.after], head.last_event)
                self._replica.is_stale = False
        return change

    def _note(self, entry: AuditEntry) -> None:
        with self._lock:
            self._require_open()
            with self._database.transaction() as connection:
                head = lock_head(connection)
                chain = write_audit(connection, head.chain, [entry])
                move_head(connection, head, replace(head, chain=chain))

    @contextmanager
    def _reading(self) -> Generator[Connection, None, None]:
        self._require_open()
        with self._database.snapshot() as connection:
            yield connection

    @contextmanager
    def _telling(self) -> Generator[None, None, None]:
        """Tell listeners if reads show more afterwards, whatever ends the block."""
        before = self.last_event()
        try:
            yield
        finally:
            after = self.last_event()
            if after != before:
                self._listeners.tell(after)

    def _require_open(self) -> None:
        if self._closed:
            raise StorageUnavailable("the registry is closed")


def _staged(upload: Upload) -> StagedUpload:
    if not isinstance(upload, StagedUpload):
        raise TypeError(f"the upload must be one of this registry's, got {type(upload)!r}")
    return upload
