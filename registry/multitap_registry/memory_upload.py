"""Bytes on their way into a registry in memory."""

import hashlib
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from multitap_adapters.file import AdapterFile, FileLimits, parse_adapter

from .errors import RegistryError, UploadTooLarge


class MemoryUpload:
    """Bytes on their way into a MemoryRegistry."""

    def __init__(self, check: Callable[[], None], limit_bytes: int) -> None:
        """`check` raises what a disk would raise."""
        self._check: Final = check
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
            self._check()
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
