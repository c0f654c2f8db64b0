"""The one seam between the service and where adapters live.

Versions are integers from 1, never changed and never reused. A published version is durable before
``publish`` returns; anything else leaves no trace. ``live`` is an alias like any other, set by the
first publish of a task. Every change is written together with its events and its audit lines.
Calls block on disk or database: run them outside an event loop.

Everywhere: `by` says who, `reason` why, `request_id` in which request; all three go into the audit
lines, the first two into an alias's history. StorageFull and StorageUnavailable mean that nothing
changed; where a commit failed half-way it may turn out that it did, and repeating the call is safe.
"""

from collections.abc import Callable, Collection, Generator, Sequence
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from multitap_registry.reference import Reference

from .audit import AuditLine
from .events import Event
from .records import AliasMove, Page, Publication, TaskRecord, VersionRecord
from .search import EVERYTHING, TaskFilter
from .upload import Upload

if TYPE_CHECKING:
    from multitap_registry.sessions import UploadSessions


class Unset(Enum):
    """The type of UNSET, for `expected` where None already means 'must not exist'."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


class Registry(Protocol):
    """Tasks, versions, aliases and the adapters' bytes. Safe to call from several threads."""

    def begin_upload(self) -> Upload:
        """Start staging an upload; use it as a context manager."""
        ...

    @property
    def sessions(self) -> "UploadSessions":
        """Uploads that arrive in parts, and end as uploads that `publish` takes."""
        ...

    def publish(
        self,
        task: str,
        upload: Upload,
        *,
        by: str,
        alias: str | None = None,
        request_id: str | None = None,
    ) -> Publication:
        """Make a sealed upload a version of a task, durably.

        The task's first version becomes `live`. The same bytes as a ready version of this task
        give that version again; `alias`, if given, moves to it in both cases. An upload may be
        published more than once, under other tasks or after a failed attempt of the database.

        Raises:
            InvalidReference: task or alias break the grammar.
            AdapterFileError: the upload was not sealed yet, and is no adapter.
            StorageFull, StorageUnavailable: see above; the same bytes give the same version.
        """
        ...

    def reject(
        self,
        task: str,
        *,
        by: str,
        reason: str,
        digest: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """Leave one audit line of an upload that was refused; no number is taken.

        Raises: StorageFull, StorageUnavailable.
        """
        ...

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
        """Move an alias to a ready version and return that version, durably.

        An alias that is there already has not moved, and its history stays as it is.
        `expected` is where the alias must be now: a version, None for 'must not exist', UNSET
        for 'anywhere'.

        Raises:
            InvalidReference: the alias breaks the grammar.
            TaskNotFound, VersionNotFound: there is nothing to point at.
            AliasConflict: the alias is not where it was expected.
            StorageFull, StorageUnavailable: see above.
        """
        ...

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
        """Point an alias at its most recent earlier target that is still ready, durably.

        A rollback undoes a move: a second one goes back one target more, not forth again.

        Raises:
            TaskNotFound, AliasNotFound: there is no such alias.
            AliasConflict: the alias is not where it was expected.
            NothingToRollBackTo: no earlier target is left.
            StorageFull, StorageUnavailable: see above.
        """
        ...

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
        """Delete an alias, durably; its history stays, and goes on if it is made again.

        Raises:
            TaskNotFound, AliasNotFound: there is no such alias.
            AliasConflict: the alias is not where it was expected.
            StorageFull, StorageUnavailable: see above.
        """
        ...

    def delete_version(
        self,
        task: str,
        version: int,
        *,
        by: str,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> VersionRecord:
        """Make a version a tombstone and return it, durably; its number is never used again.

        Raises:
            TaskNotFound, VersionNotFound: there is no such ready version.
            VersionInUse: an alias points there.
            StorageFull, StorageUnavailable: see above.
        """
        ...

    def delete_task(
        self,
        task: str,
        *,
        by: str,
        force: bool = False,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """Delete a task's aliases and make all of its versions tombstones, durably.

        A task of the same name that is published later goes on with the numbers.

        Raises:
            TaskNotFound: there is no such task.
            VersionInUse: aliases point at its versions, and `force` was not given.
            StorageFull, StorageUnavailable: see above.
        """
        ...

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
        """Give a ready version tags and take others away; return it, durably.

        Adding what is there, or removing what is not, changes nothing.

        Raises:
            InvalidReference: a tag breaks the grammar.
            TaskNotFound, VersionNotFound: there is no such ready version.
            TooManyTags: the version would have more than it may.
            StorageFull, StorageUnavailable: see above.
        """
        ...

    def resolve(self, reference: Reference) -> VersionRecord:
        """Return the ready version that a reference names, from memory.

        Raises:
            TaskNotFound, VersionNotFound, AliasNotFound: as the reference says.
        """
        ...

    def task(self, task: str) -> TaskRecord:
        """Return one task. Raises: TaskNotFound."""
        ...

    def tasks(
        self, *, limit: int, after: str | None = None, where: TaskFilter = EVERYTHING
    ) -> Page[TaskRecord]:
        """List tasks by name; `after` is the `next` of the page before.

        Raises: ValueError where `limit` is less than 1.
        """
        ...

    def version(self, task: str, version: int) -> VersionRecord:
        """Return one ready version. Raises: TaskNotFound, VersionNotFound."""
        ...

    def versions(
        self, task: str, *, limit: int, after: str | None = None, tag: str | None = None
    ) -> Page[VersionRecord]:
        """List a task's ready versions, newest first; only those with a tag if one is given.

        Raises:
            TaskNotFound: there is no such task.
            InvalidReference: `after` is no cursor.
            ValueError: `limit` is less than 1.
        """
        ...

    def history(self, task: str, alias: str) -> Sequence[AliasMove]:
        """Return every move of an alias, oldest first, also of one that was deleted.

        Raises:
            TaskNotFound: there is no such task.
            AliasNotFound: the task never had this alias.
            StorageUnavailable: the history could not be read.
        """
        ...

    def events(self, *, after: int, limit: int) -> Sequence[Event]:
        """Return the events behind number `after`, in order; 0 stands before the first.

        Raises: StorageUnavailable.
        """
        ...

    def last_event(self) -> int:
        """Return the number of the newest event that reads show, from memory; 0 for none."""
        ...

    def subscribe(self, listener: Callable[[int], None]) -> Callable[[], None]:
        """Call `listener` with the newest event's number after each change that reads show.

        It is called on the thread that made the change and must return at once. Returns what ends
        the subscription.
        """
        ...

    def audit(self, *, after: int, limit: int) -> Sequence[AuditLine]:
        """Return the audit lines behind number `after`, in order. Raises: StorageUnavailable."""
        ...

    def read_blob(self, digest: str) -> bytes:
        """Return an adapter file's bytes, checked against their digest.

        Raises:
            InvalidReference: the text is no digest.
            CorruptBlob: the bytes are others than the digest's, or gone.
            StorageUnavailable: the disk failed.
        """
        ...

    def read_chunks(
        self, digest: str, *, first: int = 0, last: int | None = None
    ) -> Generator[bytes, None, None]:
        """Yield an adapter file's bytes from `first` to `last`, both included, None for its end.

        Chunks are at most some megabytes each, and the last one of a whole file comes only after
        its digest was right; a part of a file cannot be checked. Close a generator that is left
        early.

        Raises, with a chunk:
            InvalidReference, CorruptBlob, StorageUnavailable: as `read_blob`.
            ValueError: `first` is negative, or lies behind `last`.
        """
        ...

    @property
    def lagging_since(self) -> datetime | None:
        """Since when reads may miss what others changed, None where they do not."""
        ...

    def check(self) -> None:
        """Return where the registry can be read and written. Raises: StorageUnavailable."""
        ...
