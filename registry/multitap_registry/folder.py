"""One folder on a local disk as a registry: database, blobs, staging and lock.

registry.sqlite    tasks, versions, aliases, history
blobs/sha256/      adapter files by digest, unless an object store has them
blobs/quarantine/  damaged ones that were moved aside
staging/           uploads that are under way, empty otherwise
sessions/          uploads that arrive in parts, kept over restarts until they expire
registry.lock      held by the one process that has the folder open
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from .blobs import open_blobs
from .clock import Clock, utc_now
from .database import Database
from .durable import make_folder, sync_folder
from .faults import disk_faults
from .lock import exclusive_lock
from .schema import prepare_schema
from .sessions import SessionLimits, UploadSessions
from .sessions.folder import SessionFolder
from .sql import SqlRegistry
from .staging import StagingFolder

DATABASE_NAME = "registry.sqlite"


@contextmanager
def open_registry(
    folder: Path,
    *,
    blobs: str | None = None,
    max_upload_bytes: int = 256 * 2**20,
    sessions: SessionLimits | None = None,
    clock: Clock = utc_now,
) -> Generator[SqlRegistry, None, None]:
    """Open the registry in a folder, making it if need be; one opener at a time.

    `blobs` is ``s3://bucket/prefix`` where an object store keeps the adapter files; None keeps them
    in the folder. Every registry needs a prefix of its own, and must be opened with the same one
    each time.

    Raises:
        RegistryLocked: somebody has the folder open.
        InvalidBlobUrl: `blobs` is another URL.
        UnsupportedSchema: another release wrote it.
        StorageFull, StorageUnavailable: the folder, or what the URL names, cannot be used.
    """
    folder = folder.absolute()
    with disk_faults(f"make the registry's folder {str(folder)!r}"):
        make_folder(folder)
    with exclusive_lock(folder):
        staging = StagingFolder(folder / "staging", max_upload_bytes=max_upload_bytes)
        with disk_faults(f"prepare the registry's folder {str(folder)!r}"):
            make_folder(folder / "staging")
            make_folder(folder / "sessions")
        staging.clear()
        store = open_blobs(folder / "blobs", blobs)
        database = Database(folder / DATABASE_NAME)
        with disk_faults(f"prepare the registry's folder {str(folder)!r}"):
            # Also for what an earlier process made and was killed before it could sync it.
            sync_folder(folder)
        try:
            with database.transaction() as connection:
                prepare_schema(connection, place=str(folder), at=clock())
            registry = SqlRegistry(
                database,
                store,
                staging,
                sessions=UploadSessions(
                    SessionFolder(folder / "sessions", max_upload_bytes=max_upload_bytes),
                    sessions or SessionLimits(),
                    max_upload_bytes=max_upload_bytes,
                    clock=clock,
                ),
                clock=clock,
            )
            try:
                yield registry
            finally:
                registry.close()
        finally:
            database.close()
