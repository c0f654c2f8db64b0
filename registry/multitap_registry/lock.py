"""One writer per folder: a lock that the kernel drops when its holder ends, however it ends."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from .errors import RegistryLocked
from .faults import disk_faults

LOCK_NAME = "registry.lock"


@contextmanager
def exclusive_lock(folder: Path) -> Generator[None, None, None]:
    """Hold the folder's lock.

    Raises:
        RegistryLocked: somebody else holds it.
        StorageFull, StorageUnavailable: the lock file cannot be made.
    """
    with disk_faults("open the registry's lock"):
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RegistryLocked(folder) from error
        # The file stays: removing it would let a third process lock a new file of the same name.
        yield
    finally:
        os.close(descriptor)
