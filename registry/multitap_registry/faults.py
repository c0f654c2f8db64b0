"""What the operating system says of a disk, in the registry's own errors."""

import errno
from collections.abc import Generator
from contextlib import contextmanager

from .errors import StorageFull, StorageUnavailable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def disk_faults(action: str) -> Generator[None, None, None]:
    """Turn an OSError into the registry's error; `action` says what was tried, in a few words.

    Raises:
        StorageFull: no space is left.
        StorageUnavailable: anything else.
    """
    try:
        yield
    except OSError as error:
        # Neither the path nor the traceback of the operating system is for a client's eyes.
        reason = error.strerror or type(error).__name__
        message = f"cannot {action}: {reason.lower()}"
        if error.errno in _FULL:
            raise StorageFull(message) from error
        raise StorageUnavailable(message) from error
