"""A registry that forgets: the whole contract in memory, for tests and for trying things out."""

import threading
from collections import defaultdict
from collections.abc import Generator, Sequence
from datetime import datetime
from typing import Final

from multitap_adapters.file import AdapterFile

from .blobs.checking import last_position
from .blobs.memory import content_chunks
from .change import Change
from .clock import Clock, utc_now
from .contract import AliasMove, AuditEntry, AuditLine, ChainHead, Event, Upload
from .copying import CopyingRegistry
from .errors import AliasNotFound, CorruptBlob, RegistryError, TaskNotFound
from .memory_upload import MemoryUpload, WholeMemoryUpload
from .reference import parse_digest, parse_task
from .rules import Plan
from .sessions import SessionLimits, UploadSessions
from .sessions.memory import MemorySessions
from .task_copy import TaskCopy


class MemoryRegistry(CopyingRegistry):
    """Tasks, versions, aliases, logs and bytes in memory.

    `failure`, once set, is raised by everything that would touch a disk, as a full or broken one
    would; reads of tasks and versions go on. `lagging_since` is what is set, too.
    """

    def __init__(
        self,
        *,
        max_upload_bytes: int = 256 * 2**20,
        clock: Clock = utc_now,
        sessions: SessionLimits | None = None,
    ) -> None:
        super().__init__(clock)
        self.failure: RegistryError | None = None
        self.lagging_since: datetime | None = None
        self._max_upload_bytes: Final = max_upload_bytes
        self._lock: Final = threading.Lock()
        self._blobs: Final[dict[str, bytes]] = {}
        self._events: Final[list[Event]] = []
        self._audit: Final[list[AuditLine]] = []
        self._history: Final[defaultdict[tuple[str, str], list[AliasMove]]] = defaultdict(list)
        self._sessions: Final = UploadSessions(
            MemorySessions(self._begin_whole, self.check),
            sessions or SessionLimits(),
            max_upload_bytes=max_upload_bytes,
            clock=clock,
        )

    @property
    def sessions(self) -> UploadSessions:
        """Uploads that arrive in parts."""
        return self._sessions

    def begin_upload(self) -> MemoryUpload:
        """Start an upload; see the contract, as for everything below."""
        return MemoryUpload(self.check, self._max_upload_bytes)

    def history(self, task: str, alias: str) -> Sequence[AliasMove]:
        """Return every move of an alias, oldest first."""
        self.task(task)
        with self._lock:
            moves = list(self._history.get((task, alias), ()))
        if not moves:
            raise AliasNotFound(task, alias)
        return moves

    def copy_task(self, task: str) -> TaskCopy:
        """Return a task with its whole history."""
        self.check()
        with self._lock:
            state = self._index.get(parse_task(task))
            if state is None:
                raise TaskNotFound(task)
            found = {alias: list(m) for (name, alias), m in self._history.items() if name == task}
        return TaskCopy(state, {alias: found[alias] for alias in sorted(found) if found[alias]})

    def events(self, *, after: int, limit: int) -> Sequence[Event]:
        """Return the events behind number `after`."""
        self.check()
        with self._lock:
            return self._events[after : after + limit]

    def audit(self, *, after: int, limit: int) -> Sequence[AuditLine]:
        """Return the audit lines behind number `after`."""
        self.check()
        with self._lock:
            return self._audit[after : after + limit]

    def read_blob(self, digest: str) -> bytes:
        """Return an adapter file's bytes."""
        parse_digest(digest)
        self.check()
        content = self._blobs.get(digest)
        if content is None:
            raise CorruptBlob(digest, None)
        return content

    def read_chunks(
        self, digest: str, *, first: int = 0, last: int | None = None
    ) -> Generator[bytes, None, None]:
        """Yield an adapter file's bytes from `first` to `last`."""
        content = self.read_blob(digest)
        end = last_position(digest, len(content), first, last)
        yield from content_chunks(content, first, end)

    def check(self) -> None:
        """Return unless a failure was set."""
        if self.failure is not None:
            raise self.failure

    def _keep(self, upload: Upload) -> AdapterFile:
        content = _content(upload)
        file = upload.seal()
        self.check()
        with self._lock:
            self._blobs[file.digest] = content
        return file

    def _keep_still(self, upload: Upload, file: AdapterFile) -> None:
        self._blobs.setdefault(file.digest, _content(upload))

    def _has_blob(self, digest: str) -> bool:
        return digest in self._blobs

    def _begin_whole(self, content: bytes) -> WholeMemoryUpload:
        upload = WholeMemoryUpload(self.check, self._max_upload_bytes)
        upload.write(content)
        return upload

    def _change(self, task: str, plan: Plan) -> Change:
        with self._lock:
            change = plan(self._index.get(task), lambda alias: self._history[task, alias])
            self.check()
            if change.is_empty:
                return change
            self._events.extend(change.events(len(self._events)))
            for entry in change.audit_entries():
                self._chain(entry)
            for move in change.moves:
                history = self._history[task, move.alias]
                history.append(change.history_line(move, len(history) + 1))
            if change.imported is not None:
                for alias, moves in change.imported.copy.history.items():
                    self._history[task, alias] = list(moves)
            last = len(self._events)
            self._index.put([change.after], last)
        self._listeners.tell(last)
        return change

    def _note(self, entry: AuditEntry) -> None:
        self.check()
        with self._lock:
            self._chain(entry)

    def _chain(self, entry: AuditEntry) -> None:
        head = self._audit[-1].head if self._audit else ChainHead()
        self._audit.append(AuditLine.following(head, entry))


def _content(upload: Upload) -> bytes:
    if not isinstance(upload, MemoryUpload):
        raise TypeError(f"the upload must be one of this registry's, got {type(upload)!r}")
    return upload.content
