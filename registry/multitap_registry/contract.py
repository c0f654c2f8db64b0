"""What every registry promises: the one seam between the service and where adapters live.

Versions are integers from 1, never changed and never reused. A published version is durable before
``publish`` returns; anything else leaves no trace. ``live`` is an alias like any other, set by the
first publish of a task. Calls block on disk or database: run them outside an event loop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Final, Generic, Literal, Protocol, Self, TypeVar

from multitap_adapters.file import AdapterFile
from multitap_adapters.spec import AdapterSpec

from .reference import LIVE, Reference

if TYPE_CHECKING:
    from .sessions import UploadSessions

RecordT_co = TypeVar("RecordT_co", covariant=True)


class Unset(Enum):
    """The type of UNSET, for `expected` where None already means 'must not exist'."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One immutable version of a task."""

    task: str
    version: int
    digest: str
    size_bytes: int
    spec: AdapterSpec
    state: Literal["ready", "deleted"]
    aliases: tuple[str, ...]
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One task: `newest` is its live version, or its newest one where nothing is live."""

    task: str
    newest: VersionRecord
    aliases: Mapping[str, int]
    versions: int
    created_at: datetime
    updated_at: datetime

    @property
    def live(self) -> int | None:
        """The version that predictions without a target use."""
        return self.aliases.get(LIVE)


@dataclass(frozen=True, slots=True)
class Page(Generic[RecordT_co]):
    """A part of a listing; `next` is the cursor of the following part, None at the end."""

    records: Sequence[RecordT_co] = field(default_factory=tuple)
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """What a publish did; `created` is False where the same bytes were there already."""

    record: VersionRecord
    created: bool


class Upload(Protocol):
    """Bytes on their way in: written, sealed, published; gone on exit if not published.

    An upload whose disk failed, or that grew too large, has failed for good: every later call
    raises the same error. Writing after `seal`, or using it after its exit, is a ValueError.
    """

    def write(self, chunk: bytes) -> None:
        """Append bytes.

        Raises:
            UploadTooLarge: the upload has more bytes than the registry takes.
            StorageFull: no space is left.
            StorageUnavailable: the disk failed.
        """
        ...

    def seal(self) -> AdapterFile:
        """Close the upload, validate it strictly, and return what it holds; idempotent.

        Raises:
            AdapterFileError: with every fault of the file.
            StorageFull, StorageUnavailable: as above.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...


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
        self, task: str, upload: Upload, *, by: str, alias: str | None = None
    ) -> Publication:
        """Make a sealed upload a version of a task, durably.

        The task's first version becomes `live`. The same bytes as a ready version of this task
        give that version again; `alias`, if given, moves to it in both cases. An upload may be
        published more than once, under other tasks or after a failed attempt of the database.

        Raises:
            InvalidReference: task or alias break the grammar.
            AdapterFileError: the upload was not sealed yet, and is no adapter.
            StorageFull, StorageUnavailable: nothing was published; where a commit failed
                half-way it may turn out that it was, and the same bytes give that version.
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
    ) -> VersionRecord:
        """Move an alias to a ready version and return that version, durably.

        An alias that is there already has not moved, and its history stays as it is.
        `expected` is where the alias must be now: a version, None for 'must not exist', UNSET
        for 'anywhere'.

        Raises:
            InvalidReference: the alias breaks the grammar.
            TaskNotFound, VersionNotFound: there is nothing to point at.
            AliasConflict: the alias is not where it was expected.
            StorageFull, StorageUnavailable: the alias has not moved.
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
        self, *, limit: int, after: str | None = None, kind: str | None = None, query: str = ""
    ) -> Page[TaskRecord]:
        """List tasks by name; `query` is a part of the name, `kind` the kind of the head.

        `after` is the `next` of the page before. Raises: ValueError where `limit` is less than 1.
        """
        ...

    def version(self, task: str, version: int) -> VersionRecord:
        """Return one ready version. Raises: TaskNotFound, VersionNotFound."""
        ...

    def versions(self, task: str, *, limit: int, after: str | None = None) -> Page[VersionRecord]:
        """List a task's ready versions, newest first.

        Raises:
            TaskNotFound: there is no such task.
            InvalidReference: `after` is no cursor.
            ValueError: `limit` is less than 1.
        """
        ...

    def read_blob(self, digest: str) -> bytes:
        """Return an adapter file's bytes, checked against their digest.

        Raises:
            InvalidReference: the text is no digest.
            CorruptBlob: the bytes are others than the digest's, or gone.
            StorageUnavailable: the disk failed.
        """
        ...

    def check(self) -> None:
        """Return where the registry can be read and written. Raises: StorageUnavailable."""
        ...
