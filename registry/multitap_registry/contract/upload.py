"""Bytes on their way into a registry."""

from types import TracebackType
from typing import Protocol, Self

from multitap_adapters.file import AdapterFile


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
