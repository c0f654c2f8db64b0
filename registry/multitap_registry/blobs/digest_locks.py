"""Locks by digest: what looks at a blob and then removes it must not meet one that stores it."""

import threading
from typing import Final

from .addresses import digest_hex


class DigestLocks:
    """One lock for each first byte of a digest, so that most blobs do not wait for each other."""

    def __init__(self) -> None:
        self._locks: Final = tuple(threading.Lock() for _ in range(256))

    def of(self, digest: str) -> threading.Lock:
        """Return the lock of a digest. Raises: InvalidReference."""
        return self._locks[int(digest_hex(digest)[:2], 16)]
