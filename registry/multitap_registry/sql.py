"""A registry over an SQL database and a store of blobs, with every task in memory.

The order of a publish: the file is staged, checked and durable under its digest before the lock
is taken. A change locks the row that orders all changes, brings memory up to what other servers
did meanwhile, plans, writes the change with its logs, commits, and only then shows it to readers.
A failed commit may have taken place: memory is then read anew from the database before the next
change, so it never runs ahead of the database nor away from it.
"""

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Final

from sqlalchemy import Connection

from multitap_adapters.file import AdapterFile

from .blobs import BlobStore
from .change import Change
from .change_rows import write_change
from .clock import Clock
from .contract import AliasMove, AuditEntry, AuditLine, Event, Upload
from .database import Database
from .errors import AliasNotFound, RegistryError, StorageUnavailable
from .head import Head, lock_head, move_head, read_head
from .log_rows import read_audit, read_changed_tasks, read_events, read_history, write_audit
from .planned import PlannedRegistry
from .rules import Plan
from .staging import StagedUpload, StagingFolder
from .state_rows import read_state, read_states

# Reading more tasks than these one by one takes longer than reading all.
_MANY_TASKS: Final = 100


class SqlRegistry(PlannedRegistry):
    """The registry that servers use; `open_registry` makes one."""

    def __init__(
        self, database: Database, blobs: BlobStore, staging: StagingFolder, *, clock: Clock
    ) -> None:
        super().__init__(clock)
        self._database: Final = database
        self._blobs: Final = blobs
        self._staging: Final = staging
        self._lock: Final = threading.Lock()
        self._stale = True
        self._closed = False
        self.catch_up()

    def begin_upload(self) -> StagedUpload:
        """Start staging an upload; see the contract, as for everything below."""
        return self._staging.begin_upload()

    def history(self, task: str, alias: str) -> Sequence[AliasMove]:
        """Return every move of an alias, oldest first."""
        self.task(task)
        with self._reading() as connection:
            moves = read_history(connection, task, alias)
        if not moves:
            raise AliasNotFound(task, alias)
        return moves

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
            self._refresh()
            with self._database.snapshot() as connection:
                self._follow(connection, read_head(connection))

    def close(self) -> None:
        """Refuse every later change; waits for the one that is under way."""
        with self._lock:
            self._closed = True
            self._database.close()

    def _keep(self, upload: Upload) -> AdapterFile:
        if not isinstance(upload, StagedUpload):
            raise TypeError(f"the upload must be one of this registry's, got {type(upload)!r}")
        file = upload.seal()
        self._blobs.store(upload)
        return file

    def _change(self, task: str, plan: Plan) -> Change:
        with self._telling(), self._lock:
            self._refresh()
            try:
                with self._database.transaction() as connection:
                    head = lock_head(connection)
                    self._follow(connection, head)
                    change = plan(self._index.get(task), partial(read_history, connection, task))
                    if not change.is_empty:
                        # Until memory has the change too, whatever ends this block.
                        self._stale = True
                        head = write_change(connection, change, head)
            except RegistryError:
                # If this fails as well, the next change or look tries again before anything else.
                with suppress(RegistryError):
                    self._refresh()
                raise
            if not change.is_empty:
                self._index.put([change.after], head.last_event)
                self._stale = False
        return change

    def _note(self, entry: AuditEntry) -> None:
        with self._lock:
            self._require_open()
            with self._database.transaction() as connection:
                head = lock_head(connection)
                chain = write_audit(connection, head.chain, [entry])
                move_head(connection, head, replace(head, chain=chain))

    def _refresh(self) -> None:
        self._require_open()
        if self._stale:
            with self._database.snapshot() as connection:
                self._index.replace(read_states(connection), read_head(connection).last_event)
            self._stale = False

    def _follow(self, connection: Connection, head: Head) -> None:
        """Bring memory up to an end of the logs that the connection's transaction sees."""
        shown = self.last_event()
        if shown == head.last_event:
            return
        names = read_changed_tasks(connection, after=shown)
        # Fewer events than were shown already: somebody put an older database in its place.
        if shown > head.last_event or len(names) > _MANY_TASKS:
            self._index.replace(read_states(connection), head.last_event)
            return
        states = [read_state(connection, name, self._index.get(name)) for name in names]
        self._index.put(states, head.last_event)

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
