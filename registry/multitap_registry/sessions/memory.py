"""Upload sessions in memory, for the registry in memory."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from .contract import SessionUpload, UploadSession


class MemorySessions:
    """Keeps sessions in memory; nothing of them is left when the process ends."""

    def __init__(self, begin: Callable[[bytes], SessionUpload], check: Callable[[], None]) -> None:
        """`begin` makes an upload of bytes; `check` raises what a full or broken disk would."""
        self._begin: Final = begin
        self._check: Final = check
        self._contents: Final[dict[str, bytearray]] = {}

    def load(self) -> Iterator[UploadSession]:
        """Yield nothing."""
        return iter(())

    def create(self, session: UploadSession) -> None:
        """Keep no bytes yet."""
        self._check()
        self._contents[session.id] = bytearray()

    def append(self, session: UploadSession) -> "MemoryPart":
        """Return the end of the bytes."""
        self._check()
        return MemoryPart(self._contents[session.id], self._check)

    def upload(self, session: UploadSession) -> SessionUpload:
        """Return the bytes as an upload."""
        return self._begin(bytes(self._contents[session.id]))

    def remove(self, session_id: str) -> None:
        """Forget the bytes."""
        self._contents.pop(session_id, None)


class MemoryPart:
    """The end of a session's bytes."""

    def __init__(self, content: bytearray, check: Callable[[], None]) -> None:
        self._content: Final = content
        self._check: Final = check

    def write(self, chunk: bytes) -> None:
        """Append bytes."""
        self._check()
        self._content.extend(chunk)

    def close(self, at: datetime) -> None:  # noqa: ARG002  (memory knows no time)
        """Do nothing more."""
        self._check()
