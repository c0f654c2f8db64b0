"""A registry that forgets: the whole contract in memory, for tests and for trying things out."""

import hashlib
import threading
from types import TracebackType
from typing import Final, Self

from multitap_adapters.file import AdapterFile, FileLimits, parse_adapter

from .change import plan_move, plan_publication
from .clock import Clock, utc_now
from .contract import UNSET, Page, Publication, TaskRecord, Unset, Upload, VersionRecord
from .errors import CorruptBlob, RegistryError, UploadTooLarge
from .index import Index
from .reference import Reference, parse_alias, parse_digest, parse_task
from .sessions import SessionLimits, UploadSessions
from .sessions.memory import MemorySessions


class MemoryRegistry:
    """Tasks, versions, aliases and bytes in memory.

    `failure`, once set, is raised by everything that would touch a disk, as a full or broken one
    would; reads of tasks and versions go on.
    """

    def __init__(
        self,
        *,
        max_upload_bytes: int = 256 * 2**20,
        clock: Clock = utc_now,
        sessions: SessionLimits | None = None,
    ) -> None:
        self.failure: RegistryError | None = None
        self._max_upload_bytes: Final = max_upload_bytes
        self._clock: Final = clock
        self._lock: Final = threading.Lock()
        self._index: Final = Index()
        self._blobs: Final[dict[str, bytes]] = {}
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

    def begin_upload(self) -> "MemoryUpload":
        """Start an upload; see the contract, as for everything below."""
        return MemoryUpload(self, self._max_upload_bytes)

    def publish(
        self, task: str, upload: Upload, *, by: str, alias: str | None = None
    ) -> Publication:
        """Make a sealed upload a version of a task."""
        parse_task(task)
        if alias is not None:
            parse_alias(alias)
        if not isinstance(upload, MemoryUpload):
            raise TypeError(f"the upload must be one of this registry's, got {type(upload)!r}")
        file = upload.seal()
        self.check()
        with self._lock:
            change = plan_publication(
                self._index.get(task), task, file, alias=alias, by=by, at=self._clock()
            )
            self._blobs[file.digest] = upload.content
            self._index.put(change.after)
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
        """Move an alias to a ready version."""
        parse_alias(alias)
        with self._lock:
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
            self.check()
            self._index.put(change.after)
        return change.record

    def resolve(self, reference: Reference) -> VersionRecord:
        """Return the ready version that a reference names."""
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

    def _begin_whole(self, content: bytes) -> "WholeMemoryUpload":
        upload = WholeMemoryUpload(self, self._max_upload_bytes)
        upload.write(content)
        return upload


class MemoryUpload:
    """Bytes on their way into a MemoryRegistry."""

    def __init__(self, registry: MemoryRegistry, limit_bytes: int) -> None:
        self._registry: Final = registry
        self._limit_bytes: Final = limit_bytes
        self._content: bytearray | None = bytearray()
        self._failure: RegistryError | None = None
        self._sealed = False
        self._file: AdapterFile | None = None

    @property
    def content(self) -> bytes:
        """The bytes that were written."""
        return bytes(self._open())

    def write(self, chunk: bytes) -> None:
        """Append bytes."""
        content = self._open()
        if self._sealed:
            raise ValueError("the upload is sealed")
        try:
            self._registry.check()
            if len(content) + len(chunk) > self._limit_bytes:
                raise UploadTooLarge(self._limit_bytes)
        except RegistryError as error:
            self._failure = error
            raise
        content += chunk

    def seal(self) -> AdapterFile:
        """Validate what was written."""
        content = self._open()
        self._sealed = True
        if self._file is None:
            self._file = parse_adapter(
                bytes(content), limits=FileLimits(size_bytes=self._limit_bytes)
            )
        return self._file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self._content = None

    def _open(self) -> bytearray:
        if self._failure is not None:
            raise self._failure
        if self._content is None:
            raise ValueError("the upload is closed")
        return self._content


class WholeMemoryUpload(MemoryUpload):
    """An upload of the bytes of a session."""

    @property
    def arrived_digest(self) -> str:
        """The digest of the bytes."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    @property
    def intact(self) -> bool:
        """Always: the session keeps its bytes."""
        return True
