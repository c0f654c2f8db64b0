"""The rules of upload sessions: who may add bytes where, how many there are, and when they end.

A session has one holder at a time, who adds bytes or publishes it. Bytes that arrived count,
however their request ended; after any error of the disk the session is gone. Used from several
threads.
"""

import secrets
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from multitap_adapters.file import AdapterFileError
from multitap_registry.clock import Clock
from multitap_registry.contract import Upload
from multitap_registry.errors import (
    StorageFull,
    StorageUnavailable,
    UploadDigestMismatch,
    UploadIncomplete,
    UploadInUse,
    UploadNotFound,
    UploadOffsetMismatch,
    UploadQuotaExceeded,
    UploadTooLarge,
)

from .contract import PartFile, SessionLimits, SessionStore, UploadSession

_ID_BYTES: Final = 24
# When to ask again where every session is open still: some end sooner than by expiring.
_RETRY_S: Final = 60.0


class UploadSessions:
    """All sessions of a registry."""

    def __init__(
        self, store: SessionStore, limits: SessionLimits, *, max_upload_bytes: int, clock: Clock
    ) -> None:
        """Take over the sessions of an earlier process; those that have expired are removed."""
        self._store: Final = store
        self._limits: Final = limits
        self._max_upload_bytes: Final = max_upload_bytes
        self._clock: Final = clock
        self._lock: Final = threading.Lock()
        self._held: Final[set[str]] = set()
        self._sessions: Final = {session.id: session for session in store.load()}
        self.sweep()

    @property
    def grace(self) -> timedelta:
        """How long a session lives without more bytes."""
        return self._limits.grace

    def open(self, size_bytes: int, *, digest: str | None = None) -> UploadSession:
        """Start a session for a file of this size.

        Raises:
            UploadTooLarge: the registry takes no file of this size.
            UploadQuotaExceeded: too many sessions are open, or too many bytes are announced.
            StorageFull, StorageUnavailable: nothing was started.
        """
        if size_bytes > self._max_upload_bytes:
            raise UploadTooLarge(self._max_upload_bytes)
        self.sweep()
        now = self._clock()
        session = UploadSession(
            id=secrets.token_hex(_ID_BYTES),
            size_bytes=size_bytes,
            digest=digest,
            created_at=now,
            offset=0,
            used_at=now,
        )
        with self._lock:
            self._require_room(size_bytes)
            self._sessions[session.id] = session
            self._held.add(session.id)
        try:
            self._store.create(session)
        except BaseException:
            self._forget(session.id)
            raise
        self._let_go(session)
        return session

    def get(self, session_id: str) -> UploadSession:
        """Return a session as it is now. Raises: UploadNotFound."""
        with self._lock:
            return self._find(session_id)

    @contextmanager
    def append(self, session_id: str, *, offset: int) -> Generator["SessionWriter"]:
        """Add bytes from an offset on, which must be where the session is.

        Raises:
            UploadNotFound: there is no such session, or it has expired.
            UploadInUse: somebody else adds to it or publishes it.
            UploadOffsetMismatch: it has more bytes, or fewer.
            StorageFull, StorageUnavailable: the disk failed, and the session is gone.
        """
        with self._holding(session_id) as hold:
            _require_offset(hold.session, offset)
            with hold.ended_by(StorageFull, StorageUnavailable):
                writer = SessionWriter(hold.session, self._store.append(hold.session))
                try:
                    yield writer
                finally:
                    now = self._clock()
                    writer.close(now)
                    hold.session = replace(hold.session, offset=writer.offset, used_at=now)

    @contextmanager
    def complete(self, session_id: str, *, digest: str | None = None) -> Generator[Upload]:
        """Give out a whole session as an upload to publish; the session ends with that.

        It also ends where the bytes are not what they should be. It goes on where publishing
        failed for another reason and the bytes are as they were.

        Raises:
            UploadNotFound, UploadInUse: as `append`.
            UploadIncomplete: bytes are missing still; the session goes on.
            UploadDigestMismatch: the bytes have another digest than was announced.
            AdapterFileError: the bytes are no adapter.
            StorageUnavailable: the disk failed.
        """
        with self._holding(session_id) as hold:
            _require_whole(hold.session)
            with self._store.upload(hold.session) as upload:
                try:
                    with hold.ended_by(UploadDigestMismatch, AdapterFileError):
                        for expected in (hold.session.digest, digest):
                            _require_digest(session_id, expected, upload.arrived_digest)
                        upload.seal()
                    yield upload
                    hold.ended = True
                finally:
                    hold.ended = hold.ended or not upload.intact

    def discard(self, session_id: str) -> None:
        """End a session. Raises: UploadNotFound, UploadInUse."""
        with self._holding(session_id) as hold:
            hold.ended = True

    def sweep(self) -> int:
        """Remove what has expired, and return how many sessions that were."""
        now = self._clock()
        with self._lock:
            expired = [
                session.id
                for session in self._sessions.values()
                if session.id not in self._held and session.expires_at(self.grace) <= now
            ]
            self._held.update(expired)
        for session_id in expired:
            self._forget(session_id)
        return len(expired)

    def _require_room(self, size_bytes: int) -> None:
        count = len(self._sessions) + 1
        if count > self._limits.sessions:
            raise self._quota(f"{count} uploads would be open", self._limits.sessions)
        announced = sum(session.size_bytes for session in self._sessions.values()) + size_bytes
        if announced > self._limits.total_bytes:
            raise self._quota(
                f"open uploads would have {announced} bytes", self._limits.total_bytes
            )

    def _quota(self, what: str, limit: int) -> UploadQuotaExceeded:
        ends = [session.expires_at(self.grace) for session in self._sessions.values()]
        wait_s = (min(ends) - self._clock()).total_seconds() if ends else 0.0
        return UploadQuotaExceeded(what, limit, retry_after_s=min(max(wait_s, 1.0), _RETRY_S))

    def _find(self, session_id: str) -> UploadSession:
        session = self._sessions.get(session_id)
        if session is None:
            raise UploadNotFound(session_id)
        if session_id not in self._held and session.expires_at(self.grace) <= self._clock():
            raise UploadNotFound(session_id)
        return session

    @contextmanager
    def _holding(self, session_id: str) -> Generator["_Hold"]:
        """Have a session to oneself. Raises: UploadNotFound, UploadInUse."""
        with self._lock:
            session = self._find(session_id)
            if session_id in self._held:
                raise UploadInUse(session_id, offset=session.offset)
            self._held.add(session_id)
        hold = _Hold(session)
        try:
            yield hold
        finally:
            if hold.ended:
                self._forget(session_id)
            else:
                self._let_go(hold.session)

    def _let_go(self, session: UploadSession) -> None:
        """Keep the state of a session that was held."""
        with self._lock:
            self._sessions[session.id] = session
            self._held.discard(session.id)

    def _forget(self, session_id: str) -> None:
        """Remove a session that is held."""
        self._store.remove(session_id)
        with self._lock:
            self._sessions.pop(session_id, None)
            self._held.discard(session_id)


@dataclass(slots=True)
class _Hold:
    """A session while one caller has it: its state afterwards, unless it has `ended` by then."""

    session: UploadSession
    ended: bool = False

    @contextmanager
    def ended_by(self, *errors: type[Exception]) -> Generator[None]:
        """End the session where one of these errors is raised inside."""
        try:
            yield
        except errors:
            self.ended = True
            raise


class SessionWriter:
    """One request's turn to add bytes."""

    def __init__(self, session: UploadSession, part: PartFile) -> None:
        self.offset = session.offset
        self.close: Final = part.close
        self._size_bytes: Final = session.size_bytes
        self._part: Final = part

    def write(self, chunk: bytes) -> None:
        """Append bytes.

        Raises:
            UploadTooLarge: these would be more than were announced; none of them was taken.
            StorageFull, StorageUnavailable: the disk failed.
        """
        if self.offset + len(chunk) > self._size_bytes:
            raise UploadTooLarge(self._size_bytes)
        self._part.write(chunk)
        self.offset += len(chunk)


def _require_offset(session: UploadSession, offset: int) -> None:
    if offset != session.offset:
        raise UploadOffsetMismatch(session.id, given=offset, offset=session.offset)


def _require_whole(session: UploadSession) -> None:
    if not session.is_whole:
        raise UploadIncomplete(session.id, offset=session.offset, size_bytes=session.size_bytes)


def _require_digest(session_id: str, expected: str | None, found: str) -> None:
    if expected is not None and expected != found:
        raise UploadDigestMismatch(session_id, expected=expected, found=found)
