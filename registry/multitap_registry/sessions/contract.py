"""What an upload session is, and what keeps its bytes: a folder, or memory in tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from multitap_registry.contract import Upload

# A session that is used lives on, but for no longer than this many grace periods in all.
LIFE_GRACES: Final = 7


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How many sessions may be open, the bytes announced in all of them, and the idle time."""

    sessions: int = 64
    total_bytes: int = 4 * 2**30
    grace: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class UploadSession:
    """A session as it is now: `offset` bytes of `size_bytes` have arrived.

    `digest` is what the bytes should have, where it was announced. `used_at` is when bytes were
    last added.
    """

    id: str
    size_bytes: int
    digest: str | None
    created_at: datetime
    offset: int
    used_at: datetime

    @property
    def is_whole(self) -> bool:
        """Whether every byte has arrived."""
        return self.offset == self.size_bytes

    def expires_at(self, grace: timedelta) -> datetime:
        """Return when the session ends, unless more bytes come before."""
        return min(self.used_at + grace, self.created_at + LIFE_GRACES * grace)


class SessionUpload(Upload, Protocol):
    """The whole bytes of a session as an upload that can be published."""

    @property
    def arrived_digest(self) -> str:
        """The digest of the bytes as they arrived, or as the disk had them after a restart."""
        ...

    @property
    def intact(self) -> bool:
        """Whether another upload can be made of the session's bytes."""
        ...


class PartFile(Protocol):
    """The end of a session's bytes, open to add more."""

    def write(self, chunk: bytes) -> None:
        """Append bytes. Raises: StorageFull, StorageUnavailable."""
        ...

    def close(self, at: datetime) -> None:
        """Make the bytes durable, and note the time. Raises: StorageFull, StorageUnavailable."""
        ...


class SessionStore(Protocol):
    """Keeps sessions and their bytes. Calls for one session never overlap."""

    def load(self) -> Iterator[UploadSession]:
        """Yield the sessions of an earlier process; what is no session is removed."""
        ...

    def create(self, session: UploadSession) -> None:
        """Keep a new, empty session. Raises: StorageFull, StorageUnavailable."""
        ...

    def append(self, session: UploadSession) -> PartFile:
        """Open the end of a session's bytes. Raises: StorageUnavailable."""
        ...

    def upload(self, session: UploadSession) -> SessionUpload:
        """Return the bytes of a whole session as a sealed upload. Raises: StorageUnavailable."""
        ...

    def remove(self, session_id: str) -> None:
        """Remove a session and what is left of its bytes; never fails."""
        ...
