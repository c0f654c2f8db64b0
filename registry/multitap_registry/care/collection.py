"""Removal of blobs that no ready version needs, beside a server that stores others.

See `blobs/contract.py` for the rules of a collector, and why they suffice.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from multitap_registry.blobs import Blob, BlobStore
from multitap_registry.database import Database
from multitap_registry.head import lock_head

from .books import VersionName, has_ready_version, read_ready_digests

# A blob waits for its row for as long as one change may wait for the database, well below a minute:
# uploads in parts are no blobs before all of their bytes are there, however long that takes. The
# rest is for clocks that differ, and for whoever deletes by mistake and publishes again.
DEFAULT_GRACE: Final = timedelta(hours=24)


def find_orphans(
    database: Database, blobs: BlobStore, *, without: frozenset[VersionName] = frozenset()
) -> list[Blob]:
    """Return the blobs without a ready version, by digest; as if those in `without` were none.

    Raises: StorageFull, StorageUnavailable.
    """
    there = sorted(blobs.blobs(), key=lambda blob: blob.digest)
    # Read afterwards: what was stored and published meanwhile is not taken for an orphan.
    needed = read_ready_digests(database, without=without)
    return [blob for blob in there if blob.digest not in needed]


def collect(
    database: Database, blobs: BlobStore, orphans: Iterable[Blob], *, stored_before: datetime
) -> Iterator[Blob]:
    """Remove blobs that no ready version needs still, each in a turn of its own; yield them.

    Raises: StorageFull, StorageUnavailable.
    """
    for blob in orphans:
        with database.transaction() as connection:
            lock_head(connection)
            removed = not has_ready_version(connection, blob.digest) and blobs.remove(
                blob.digest, stored_before=stored_before
            )
        if removed:
            yield blob
