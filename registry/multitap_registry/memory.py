"""A registry that forgets: the whole contract in memory, for tests and for trying things out."""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final

from .change import Change, Occasion, rejection
from .clock import Clock, utc_now
from .contract import (
    EVERYTHING,
    UNSET,
    AliasMove,
    AuditEntry,
    AuditLine,
    Event,
    Page,
    Publication,
    TaskFilter,
    TaskRecord,
    Unset,
    Upload,
    VersionRecord,
)
from .errors import AliasNotFound, CorruptBlob, RegistryError
from .index import Index
from .listeners import Listeners
from .memory_upload import MemoryUpload
from .reference import Reference, parse_alias, parse_digest, parse_tag, parse_task
from .rules import (
    Plan,
    plan_alias_deletion,
    plan_move,
    plan_publication,
    plan_rollback,
    plan_tags,
    plan_task_deletion,
    plan_version_deletion,
)
from .task_state import TaskState


class MemoryRegistry:
    """Tasks, versions, aliases, logs and bytes in memory.

    `failure`, once set, is raised by everything that would touch a disk, as a full or broken one
    would; reads of tasks and versions go on.
    """

    def __init__(self, *, max_upload_bytes: int = 256 * 2**20, clock: Clock = utc_now) -> None:
        self.failure: RegistryError | None = None
        self._max_upload_bytes: Final = max_upload_bytes
        self._clock: Final = clock
        self._lock: Final = threading.Lock()
        self._index: Final = Index()
        self._listeners: Final = Listeners()
        self._blobs: Final[dict[str, bytes]] = {}
        self._events: Final[list[Event]] = []
        self._audit: Final[list[AuditLine]] = []
        self._history: Final[defaultdict[tuple[str, str], list[AliasMove]]] = defaultdict(list)

    def begin_upload(self) -> MemoryUpload:
        """Start an upload; see the contract, as for everything below."""
        return MemoryUpload(self.check, self._max_upload_bytes)

    def publish(
        self,
        task: str,
        upload: Upload,
        *,
        by: str,
        alias: str | None = None,
        request_id: str | None = None,
    ) -> Publication:
        """Make a sealed upload a version of a task."""
        parse_task(task)
        if alias is not None:
            parse_alias(alias)
        if not isinstance(upload, MemoryUpload):
            raise TypeError(f"the upload must be one of this registry's, got {type(upload)!r}")
        file = upload.seal()
        self.check()
        occasion = self._occasion(by, None, request_id)
        with self._lock:
            self._blobs[file.digest] = upload.content
        plan = partial(plan_publication, occasion=occasion, task=task, file=file, alias=alias)
        return self._change(task, plan).publication

    def reject(
        self,
        task: str,
        *,
        by: str,
        reason: str,
        digest: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """Leave one audit line of an upload that was refused."""
        parse_task(task)
        self.check()
        occasion = self._occasion(by, reason, request_id)
        with self._lock:
            self._chain(rejection(occasion, task, digest))

    def point(
        self,
        task: str,
        alias: str,
        version: int,
        *,
        by: str,
        expected: int | Unset | None = UNSET,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> VersionRecord:
        """Move an alias to a ready version."""
        parse_alias(alias)
        occasion = self._occasion(by, reason, request_id)
        plan = partial(
            plan_move,
            occasion=occasion,
            task=task,
            alias=alias,
            version=version,
            expected=expected,
        )
        return self._change(task, plan).record

    def rollback(
        self,
        task: str,
        alias: str,
        *,
        by: str,
        expected: int | Unset | None = UNSET,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> VersionRecord:
        """Point an alias at its most recent earlier target that is still ready."""
        occasion = self._occasion(by, reason, request_id)

        def plan(state: TaskState | None) -> Change:
            history = self._history[task, alias]
            return plan_rollback(state, occasion, task, alias, history, expected=expected)

        return self._change(task, plan).record

    def delete_alias(
        self,
        task: str,
        alias: str,
        *,
        by: str,
        expected: int | Unset | None = UNSET,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """Delete an alias; its history stays."""
        occasion = self._occasion(by, reason, request_id)
        self._change(
            task,
            partial(
                plan_alias_deletion, occasion=occasion, task=task, alias=alias, expected=expected
            ),
        )

    def delete_version(
        self,
        task: str,
        version: int,
        *,
        by: str,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> VersionRecord:
        """Make a version a tombstone."""
        occasion = self._occasion(by, reason, request_id)
        plan = partial(plan_version_deletion, occasion=occasion, task=task, version=version)
        return self._change(task, plan).record

    def delete_task(
        self,
        task: str,
        *,
        by: str,
        force: bool = False,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """Delete a task's aliases and make all of its versions tombstones."""
        occasion = self._occasion(by, reason, request_id)
        self._change(task, partial(plan_task_deletion, occasion=occasion, task=task, force=force))

    def tag(
        self,
        task: str,
        version: int,
        *,
        by: str,
        add: Collection[str] = (),
        remove: Collection[str] = (),
        request_id: str | None = None,
    ) -> VersionRecord:
        """Give a ready version tags and take others away."""
        for tag in (*add, *remove):
            parse_tag(tag)
        occasion = self._occasion(by, None, request_id)
        plan = partial(
            plan_tags, occasion=occasion, task=task, version=version, add=add, remove=remove
        )
        return self._change(task, plan).record

    def resolve(self, reference: Reference) -> VersionRecord:
        """Return the ready version that a reference names."""
        return self._index.resolve(reference)

    def task(self, task: str) -> TaskRecord:
        """Return one task."""
        return self._index.task(task)

    def tasks(
        self, *, limit: int, after: str | None = None, where: TaskFilter = EVERYTHING
    ) -> Page[TaskRecord]:
        """List tasks by name."""
        return self._index.tasks(limit=limit, after=after, where=where)

    def version(self, task: str, version: int) -> VersionRecord:
        """Return one version."""
        return self._index.version(task, version)

    def versions(
        self, task: str, *, limit: int, after: str | None = None, tag: str | None = None
    ) -> Page[VersionRecord]:
        """List a task's versions, newest first."""
        return self._index.versions(task, limit=limit, after=after, tag=tag)

    def history(self, task: str, alias: str) -> Sequence[AliasMove]:
        """Return every move of an alias, oldest first."""
        self.task(task)
        with self._lock:
            moves = list(self._history.get((task, alias), ()))
        if not moves:
            raise AliasNotFound(task, alias)
        return moves

    def events(self, *, after: int, limit: int) -> Sequence[Event]:
        """Return the events behind number `after`."""
        self.check()
        with self._lock:
            return self._events[after : after + limit]

    def last_event(self) -> int:
        """Return the number of the newest event."""
        return len(self._events)

    def subscribe(self, listener: Callable[[int], None]) -> Callable[[], None]:
        """Call `listener` after each change."""
        return self._listeners.add(listener)

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

    def check(self) -> None:
        """Return unless a failure was set."""
        if self.failure is not None:
            raise self.failure

    def _occasion(self, by: str, reason: str | None, request_id: str | None) -> Occasion:
        return Occasion(self._clock(), by, reason, request_id)

    def _change(self, task: str, plan: Plan) -> Change:
        with self._lock:
            change = plan(self._index.get(task))
            self.check()
            if change.is_empty:
                return change
            self._events.extend(change.events(len(self._events)))
            for entry in change.audit_entries():
                self._chain(entry)
            for move in change.moves:
                history = self._history[task, move.alias]
                history.append(change.history_line(move, len(history) + 1))
            self._index.put(change.after)
            last = len(self._events)
        self._listeners.tell(last)
        return change

    def _chain(self, entry: AuditEntry) -> None:
        self._audit.append(AuditLine.following(self._audit[-1] if self._audit else None, entry))
