"""The check of a whole registry, beside a server that goes on changing it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from multitap_registry.blobs import BlobStore
from multitap_registry.database import Database
from multitap_registry.errors import CorruptBlob
from multitap_registry.head import lock_head

from .books import Books, read_books
from .collection import find_orphans
from .files import check_blobs
from .findings import Extent, Report
from .logs import check_logs
from .specifications import check_specifications
from .tables import check_tables
from .values import check_values

# Takes the bytes of blobs that were read, and those that are to be read in all.
OnProgress: TypeAlias = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A damaged blob and where its bytes are now; None where it was whole, or gone, by then."""

    digest: str
    name: str | None


def verify(database: Database, blobs: BlobStore, on_progress: OnProgress) -> Report:
    """Check that everything is there and as it was written; nothing is changed.

    Reads each blob that a ready version needs, in chunks; nothing but the values of rows where one
    of these cannot be read.

    Raises:
        StorageFull, StorageUnavailable: the database or the store is away.
    """
    unreadable = tuple(check_values(database))
    if unreadable:
        # No other check could go on from there.
        return Report(unreadable, (), Extent(0, 0, 0, 0, 0, 0, 0))
    books = read_books(database)
    extent, ready = _extent(books), books.ready()
    done = 0

    def on_bytes(count: int) -> None:
        nonlocal done
        done += count
        on_progress(done, extent.blob_bytes)

    findings = [*check_tables(books), *check_specifications(database, books)]
    findings += check_logs(database, books)
    findings += check_blobs(database, blobs, ready, on_bytes)
    return Report(tuple(findings), tuple(find_orphans(database, blobs)), extent)


def quarantine(database: Database, blobs: BlobStore, digests: Sequence[str]) -> list[Quarantine]:
    """Move damaged blobs aside; those that are whole by now stay.

    Each is read once more under the lock that orders the registry's changes, so that no publish
    stores its bytes just before they are moved.

    Raises:
        StorageFull, StorageUnavailable: the database or the store is away.
    """
    moved: list[Quarantine] = []
    for digest in digests:
        with database.transaction() as connection:
            lock_head(connection)
            try:
                name = blobs.quarantine(digest)
            except CorruptBlob:
                name = None
        moved.append(Quarantine(digest, name))
    return moved


def _extent(books: Books) -> Extent:
    ready = books.ready()
    return Extent(
        tasks=len({row.task for rows in ready.values() for row in rows}),
        versions=sum(map(len, ready.values())),
        aliases=len(books.aliases),
        events=books.head.last_event,
        audit_lines=books.head.chain.seq,
        blobs=len(ready),
        blob_bytes=sum(rows[0].size_bytes for rows in ready.values()),
    )
