"""Content-addressed files: ``sha256/ab/abcd...`` holds the bytes whose SHA-256 is ``abcd...``.

A blob has its final name only once its bytes are durable, and is acknowledged only once its name
is. Storing the same bytes again is safe at any time and repairs a damaged blob; it is never
skipped because a file of that name exists, since that file's own name may not be durable yet.
"""

import hashlib
import threading
from pathlib import Path
from typing import Final

from .durable import make_folder, sync_folder
from .errors import CorruptBlob, StorageUnavailable
from .faults import disk_faults
from .reference import parse_digest
from .staging import StagedUpload


class BlobFolder:
    """Blobs in a local folder; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._root: Final = folder / "sha256"
        self._lock: Final = threading.Lock()
        self._durable_folders: Final[set[str]] = set()

    def store(self, upload: StagedUpload) -> None:
        """Keep a sealed upload under its digest, durably.

        Raises:
            StorageFull, StorageUnavailable: the upload has failed, at worst leaving an orphan.
        """
        target = self._path(upload.seal().digest)
        with disk_faults("make a folder for a blob"):
            self._make_durable(target.parent)
        upload.keep(target)

    def read(self, digest: str) -> bytes:
        """Return a blob's bytes, checked.

        Raises:
            InvalidReference: the text is no digest.
            CorruptBlob: the blob is missing, or its bytes are others.
            StorageUnavailable: the disk failed.
        """
        path = self._path(digest)
        try:
            with disk_faults("read a blob"):
                content = path.read_bytes()
        except StorageUnavailable as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise CorruptBlob(digest, None) from error
            raise
        found = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if found != digest:
            raise CorruptBlob(digest, found)
        return content

    def _path(self, digest: str) -> Path:
        name = parse_digest(digest).removeprefix("sha256:")
        return self._root / name[:2] / name

    def _make_durable(self, folder: Path) -> None:
        # A folder that exists may have been made by another thread, or by a process that was
        # killed, and not be durable yet: the first use since the start always syncs its parent.
        with self._lock:
            if folder.name in self._durable_folders:
                return
            make_folder(self._root)
            folder.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self._root)
            self._durable_folders.add(folder.name)
