"""Upload sessions in a folder: ``<id>.part`` has the bytes, ``<id>.json`` what was announced.

The size of the first is the session's offset, and its modification time the session's last use, so
a restart, or a kill, loses neither. Both are removed together; one without the other is left from
a kill, and no session.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from multitap_registry.faults import disk_faults
from multitap_registry.staging import RunningHash, StagedUpload

from .contract import UploadSession

_CHUNK_BYTES: Final = 2**20
_PART: Final = ".part"
_ANNOUNCEMENT: Final = ".json"
_SUFFIXES: Final = (_PART, _ANNOUNCEMENT)


class Announcement(BaseModel):
    """The content of ``<id>.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[0-9a-f]{48}$")
    size_bytes: int = Field(ge=0)
    digest: str | None
    created_at: datetime


class SessionFolder:
    """Keeps sessions in a folder in the same file system as the blobs."""

    def __init__(self, folder: Path, *, max_upload_bytes: int) -> None:
        self._folder: Final = folder
        self._max_upload_bytes: Final = max_upload_bytes
        # Of sessions that this process saw from their first byte on; others are read when whole.
        self._hashes: Final[dict[str, RunningHash]] = {}

    def load(self) -> Iterator[UploadSession]:
        """Return the sessions of an earlier process, and remove what is none."""
        with disk_faults("read the uploads of an earlier process"):
            paths = sorted(self._folder.iterdir())
        sessions = {path.stem: self._read(path.stem) for path in paths}
        for path in paths:
            if sessions[path.stem] is None or path.suffix not in _SUFFIXES:
                with suppress(OSError):
                    path.unlink()
        return (session for session in sessions.values() if session is not None)

    def create(self, session: UploadSession) -> None:
        """Create both files."""
        announcement = Announcement(
            id=session.id,
            size_bytes=session.size_bytes,
            digest=session.digest,
            created_at=session.created_at,
        )
        with disk_faults("start an upload"):
            os.close(_create(self._part(session.id)))
            descriptor = _create(self._announcement(session.id))
            try:
                os.write(descriptor, announcement.model_dump_json().encode())
            finally:
                os.close(descriptor)
        self._hashes[session.id] = hashlib.sha256()

    def append(self, session: UploadSession) -> "FolderPart":
        """Open the end of the bytes."""
        return FolderPart(self._part(session.id), self._hashes.get(session.id))

    def upload(self, session: UploadSession) -> StagedUpload:
        """Return the whole bytes as an upload that stays where it is unless it is kept."""
        path = self._part(session.id)
        arrived = self._hashes.get(session.id) or _hash_of(path)
        return StagedUpload(path, self._max_upload_bytes, arrived=arrived)

    def remove(self, session_id: str) -> None:
        """Remove both files, as far as they are there and the disk lets go of them."""
        self._hashes.pop(session_id, None)
        for path in (self._part(session_id), self._announcement(session_id)):
            with suppress(OSError):
                path.unlink()

    def _read(self, name: str) -> UploadSession | None:
        """Return a session as the folder has it, None where its files are not as they should be."""
        try:
            text = self._announcement(name).read_text(encoding="utf-8")
            announced = Announcement.model_validate_json(text)
            found = self._part(name).stat()
        except (OSError, ValidationError, UnicodeDecodeError):
            return None
        if announced.id != name or found.st_size > announced.size_bytes:
            return None
        return UploadSession(
            id=name,
            size_bytes=announced.size_bytes,
            digest=announced.digest,
            created_at=announced.created_at,
            offset=found.st_size,
            used_at=datetime.fromtimestamp(found.st_mtime, UTC),
        )

    def _part(self, session_id: str) -> Path:
        return self._folder / f"{session_id}{_PART}"

    def _announcement(self, session_id: str) -> Path:
        return self._folder / f"{session_id}{_ANNOUNCEMENT}"


class FolderPart:
    """The end of a file, open for one request."""

    def __init__(self, path: Path, arrived: RunningHash | None) -> None:
        self._arrived: Final = arrived
        with disk_faults("go on with an upload"):
            self._descriptor: Final = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)

    def write(self, chunk: bytes) -> None:
        """Append bytes."""
        with disk_faults("store an upload"):
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        if self._arrived is not None:
            self._arrived.update(chunk)

    def close(self, at: datetime) -> None:
        """Sync what was written through the descriptor that wrote it, and note the time."""
        try:
            with disk_faults("store an upload"):
                os.fsync(self._descriptor)
                os.utime(self._descriptor, (at.timestamp(), at.timestamp()))
        finally:
            os.close(self._descriptor)


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)


def _hash_of(path: Path) -> RunningHash:
    """Return the hash of what the disk has of an upload that another process began."""
    state = hashlib.sha256()
    with disk_faults("read an upload back"), path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            state.update(chunk)
    return state
