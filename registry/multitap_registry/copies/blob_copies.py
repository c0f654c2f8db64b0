"""Blobs of ready versions, checked and copied from one store to another."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from multitap_adapters.file import AdapterFileError
from multitap_registry.blobs import BlobStore
from multitap_registry.errors import CorruptBlob, UploadTooLarge
from multitap_registry.staging import StagingFolder

# Bytes that are done, and bytes in all.
Progress: TypeAlias = Callable[[int, int], None]


def no_progress(_done_bytes: int, _total_bytes: int) -> None:
    """Show nothing."""


@dataclass(slots=True)
class Outcome:
    """What a pass over blobs met; a blob that is `missing` may have been collected meanwhile."""

    missing: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])


class BlobCopy:
    """Copies blobs, each once, over as many passes as it takes; one chunk is in memory."""

    def __init__(
        self, source: BlobStore, target: BlobStore, staging: Path, progress: Progress
    ) -> None:
        """`staging` is a folder that lies where the target can take its uploads from."""
        self._source: Final = source
        self._target: Final = target
        self._staging: Final = staging
        self._progress: Final = progress
        self._copied: Final[set[str]] = set()

    def copy(self, wanted: Mapping[str, int]) -> Outcome:
        """Copy those of the blobs, by their digest with their size in bytes, that are not yet.

        Raises:
            StorageFull, StorageUnavailable: one of the stores failed.
        """
        outcome = Outcome()
        done, total = 0, sum(wanted.values())
        for digest, size_bytes in wanted.items():
            try:
                if digest not in self._copied:
                    self._copy_one(digest, size_bytes)
                    self._copied.add(digest)
            except CorruptBlob as error:
                kept = outcome.missing if error.found is None else outcome.faults
                kept.append(str(error))
            except (AdapterFileError, UploadTooLarge) as error:
                outcome.faults.append(f"blob {digest}: {error}")
            done += size_bytes
            self._progress(done, total)
        return outcome

    def _copy_one(self, digest: str, size_bytes: int) -> None:
        staging = StagingFolder(self._staging, max_upload_bytes=size_bytes)
        with (
            staging.begin_upload() as upload,
            closing(self._source.read_chunks(digest)) as chunks,
        ):
            for chunk in chunks:
                upload.write(chunk)
            if upload.size_bytes != size_bytes:
                raise CorruptBlob(digest, f"{upload.size_bytes} bytes, expected {size_bytes}")
            self._target.store(upload)
