"""One folder on a local disk as a registry: database, blobs, staging and lock.

registry.sqlite    tasks, versions, aliases, logs; absent where a shared database has them
blobs/sha256/      adapter files by digest, unless an object store has them
blobs/quarantine/  damaged ones that were moved aside
staging/           uploads that are under way, empty otherwise
sessions/          uploads that arrive in parts, kept over restarts until they expire
registry.lock      held by the one process that has the folder open; commands of care open it beside
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .blobs import BlobStore, open_blobs
from .clock import Clock, utc_now
from .database import Database
from .durable import make_folder, sync_folder
from .errors import RegistryNotFound
from .faults import disk_faults
from .lock import exclusive_lock
from .migrating import prepare_schema, require_schema
from .postgresql import parse_database_url, postgresql_database
from .sessions import SessionLimits, SessionStore, UploadSessions
from .sessions.folder import SessionFolder
from .sessions.memory import MemorySessions
from .sql import SqlRegistry
from .sqlite import sqlite_database
from .staging import StagedUpload, StagingFolder

DATABASE_NAME = "registry.sqlite"


@dataclass(frozen=True, slots=True)
class RegistryParts:
    """What a registry keeps: its tables, and its blobs."""

    database: Database
    blobs: BlobStore


@contextmanager
def open_registry(
    folder: Path,
    *,
    database: str | None = None,
    blobs: str | None = None,
    max_upload_bytes: int = 256 * 2**20,
    sessions: SessionLimits | None = None,
    clock: Clock = utc_now,
) -> Generator[SqlRegistry, None, None]:
    """Open the registry in a folder, making it if need be; one opener at a time.

    `database` is the URL of a PostgreSQL database that other servers, each with a folder of its
    own, may have open too; `SqlRegistry.follow` shows what they change. `blobs` is
    ``s3://bucket/prefix`` where an object store keeps the adapter files; None keeps them in the
    folder. Every registry needs a prefix of its own, and must be opened with the same one each
    time.

    Raises:
        ValueError: that is no URL of such a database.
        RegistryLocked: somebody has the folder open.
        InvalidBlobUrl: `blobs` is another URL.
        UnsupportedSchema: another release wrote it.
        StorageFull, StorageUnavailable: the folder, or what a URL names, cannot be used.
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
        tables, place = _open_database(folder, database)
        with disk_faults(f"prepare the registry's folder {str(folder)!r}"):
            # Also for what an earlier process made and was killed before it could sync it.
            sync_folder(folder)
        try:
            with tables.transaction() as connection:
                prepare_schema(connection, place=place, at=clock())
            limits = sessions or SessionLimits()
            parts = SessionFolder(folder / "sessions", max_upload_bytes=max_upload_bytes)
            with _registry(tables, store, staging, parts, limits, clock) as registry:
                yield registry
        finally:
            tables.close()


@contextmanager
def open_beside(
    folder: Path,
    *,
    database: str | None = None,
    blobs: str | None = None,
    max_upload_bytes: int = 256 * 2**20,
    clock: Clock = utc_now,
) -> Generator[SqlRegistry, None, None]:
    """Open a registry that exists, for care; a server may have it open at the same time.

    Changes take their turn with the server's, which shows them within a moment. A server that
    starts meanwhile clears uploads that are under way here, which then fail. Uploads in parts are
    the server's alone: they are not seen, and those that begin here are kept in memory.

    Raises:
        RegistryNotFound: the folder holds no registry.
        UnsupportedSchema: another release wrote it, be it an earlier one.
        ValueError, InvalidBlobUrl, StorageFull, StorageUnavailable: as `open_registry`.
    """
    with open_parts(folder, database=database, blobs=blobs) as parts:
        staging = StagingFolder(folder.absolute() / "staging", max_upload_bytes=max_upload_bytes)
        sessions = MemorySessions(partial(_staged, staging), staging.probe)
        with _registry(
            parts.database, parts.blobs, staging, sessions, SessionLimits(), clock
        ) as registry:
            yield registry


@contextmanager
def open_parts(
    folder: Path, *, database: str | None = None, blobs: str | None = None
) -> Generator[RegistryParts, None, None]:
    """Open what a registry that exists is made of, be it damaged, as `open_beside` does.

    Raises: as `open_beside`.
    """
    folder = folder.absolute()
    if not (folder / "staging").is_dir() or (
        database is None and not (folder / DATABASE_NAME).is_file()
    ):
        raise RegistryNotFound(folder)
    store = open_blobs(folder / "blobs", blobs)
    tables, place = _open_database(folder, database)
    try:
        with tables.snapshot() as connection:
            require_schema(connection, place=place)
        yield RegistryParts(tables, store)
    finally:
        tables.close()


@contextmanager
def _registry(
    tables: Database,
    store: BlobStore,
    staging: StagingFolder,
    sessions: SessionStore,
    limits: SessionLimits,
    clock: Clock,
) -> Generator[SqlRegistry, None, None]:
    uploads = UploadSessions(
        sessions, limits, max_upload_bytes=staging.max_upload_bytes, clock=clock
    )
    registry = SqlRegistry(tables, store, staging, sessions=uploads, clock=clock)
    try:
        yield registry
    finally:
        registry.close()


def _staged(staging: StagingFolder, content: bytes) -> StagedUpload:
    upload = staging.begin_upload()
    upload.write(content)
    return upload


def _open_database(folder: Path, url: str | None) -> tuple[Database, str]:
    """Return the database and its name for messages, which holds no password."""
    if url is None:
        return sqlite_database(folder / DATABASE_NAME), str(folder)
    parsed = parse_database_url(url)
    return postgresql_database(parsed), f"{parsed.host or 'this machine'}/{parsed.database}"
