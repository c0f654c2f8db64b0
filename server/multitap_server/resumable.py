"""Uploads in parts: opened, added to over many requests, published or given up (ADR 18)."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from starlette.requests import ClientDisconnect

from multitap.wire import Upload
from multitap_registry.contract import Publication, Registry
from multitap_registry.errors import UploadInUse, UploadNotFound
from multitap_registry.sessions import SessionLimits, UploadSession

from .config import ServerConfig
from .engine.errors import BackboneMismatch, Overloaded, UnsupportedAdapter
from .errors import TooLarge
from .references import require_new_alias, require_new_task
from .threads import Threads
from .turns import Turns
from .uploads import Chunks, Uploads, receive

# Publications whose answer a client may ask for once more.
_REMEMBERED: Final = 1_024
_SWEEP_S: Final = 60.0


def session_limits(config: ServerConfig) -> SessionLimits:
    """Return what a registry needs to know of the settings."""
    return SessionLimits(
        sessions=config.upload_sessions,
        total_bytes=config.upload_session_bytes,
        grace=timedelta(seconds=config.upload_grace_s),
    )


@dataclass(frozen=True, slots=True)
class _Published:
    """What became of an upload, for a client that did not get the answer."""

    task: str
    alias: str | None
    version: int
    created: bool


class ResumableUploads:
    """Brings requests and upload sessions together; one request of a session runs at a time."""

    def __init__(
        self,
        registry: Registry,
        uploads: Uploads,
        *,
        max_upload_bytes: int,
        receiving: Threads,
        storage: Threads,
    ) -> None:
        self._registry = registry
        self._sessions = registry.sessions
        self._uploads = uploads
        self._max_upload_bytes = max_upload_bytes
        self._receiving = receiving
        self._storage = storage
        self._turns = Turns()
        self._published: OrderedDict[str, _Published] = OrderedDict()

    async def open(self, size_bytes: int, digest: str | None) -> Upload:
        """Start an upload of a file of this size.

        Raises:
            TooLarge, UploadTooLarge: no file of this size is taken.
            UploadQuotaExceeded: as many as are allowed are open.
            StorageFull, StorageUnavailable: nothing was started.
        """
        if size_bytes > self._max_upload_bytes:
            raise TooLarge("the upload", self._max_upload_bytes, "bytes")
        session = await self._storage.run(lambda: self._sessions.open(size_bytes, digest=digest))
        return self._describe(session)

    def show(self, upload_id: str) -> Upload:
        """Return where an upload is. Raises: UploadNotFound."""
        return self._describe(self._sessions.get(upload_id))

    async def append(self, upload_id: str, offset: int, chunks: Chunks) -> Upload:
        """Add what arrives, which counts however the request ends.

        Raises:
            UploadNotFound: there is no such upload.
            UploadOffsetMismatch: the upload is not at this offset.
            UploadInUse: another request for this upload came, and has it now.
            UploadTooLarge: these are more bytes than were announced.
            Overloaded: as many uploads as are allowed are on their way.
            StorageFull, StorageUnavailable: the upload is gone.
        """
        self._sessions.get(upload_id)
        interrupted = False

        def interrupt() -> None:
            nonlocal interrupted
            interrupted = True
            chunks.stop()

        async with self._turns.take(upload_id, interrupt):
            try:
                await receive(
                    self._receiving, chunks, lambda: self._append(upload_id, offset, chunks)
                )
            except ClientDisconnect:
                if not interrupted:
                    raise
                offset = self._sessions.get(upload_id).offset
                raise UploadInUse(upload_id, offset=offset) from None
            return self.show(upload_id)

    async def publish(
        self,
        task: str,
        upload_id: str,
        *,
        digest: str | None,
        by: str,
        alias: str | None,
        request_id: str,
    ) -> Publication:
        """Publish a whole upload as a version of a task; asked again, give the same answer.

        Raises:
            InvalidRequest: task or alias break the grammar.
            UploadNotFound: there is no such upload.
            UploadIncomplete: bytes are missing still.
            UploadDigestMismatch: what arrived is not what was announced; the upload is gone.
            Overloaded, AdapterFileError, BackboneMismatch, UnsupportedAdapter, StorageFull,
                StorageUnavailable: as for an upload in one request.
        """
        require_new_task(task)
        if alias is not None:
            require_new_alias(alias)
        async with self._turns.take(upload_id, _finish_first):
            done = self._published.get(upload_id)
            if done is not None:
                return await self._repeat(upload_id, done, task, alias)
            self._sessions.get(upload_id)
            publication = await self._receiving.run(
                lambda: self._publish(
                    task, upload_id, digest=digest, by=by, alias=alias, request_id=request_id
                )
            )
            version = publication.record.version
            self._published[upload_id] = _Published(task, alias, version, publication.created)
            while len(self._published) > _REMEMBERED:
                self._published.popitem(last=False)
            return publication

    async def discard(self, upload_id: str) -> None:
        """Give up an upload. Raises: UploadNotFound."""
        self._sessions.get(upload_id)
        async with self._turns.take(upload_id, _finish_first):
            await self._storage.run(lambda: self._sessions.discard(upload_id))

    async def sweep_regularly(self) -> None:
        """Remove expired uploads from time to time, until cancelled."""
        every_s = min(_SWEEP_S, self._sessions.grace.total_seconds() / 2)
        while True:
            await asyncio.sleep(every_s)
            with suppress(Overloaded):
                await self._storage.run(self._sessions.sweep)

    def _append(self, upload_id: str, offset: int, chunks: Iterable[bytes]) -> None:
        with self._sessions.append(upload_id, offset=offset) as writer:
            for chunk in chunks:
                writer.write(chunk)

    def _publish(
        self,
        task: str,
        upload_id: str,
        *,
        digest: str | None,
        by: str,
        alias: str | None,
        request_id: str,
    ) -> Publication:
        begin = partial(self._sessions.complete, upload_id, digest=digest)
        try:
            return self._uploads.finish(task, begin, by=by, alias=alias, request_id=request_id)
        except (BackboneMismatch, UnsupportedAdapter):
            # No other attempt could end otherwise.
            with suppress(UploadNotFound):
                self._sessions.discard(upload_id)
            raise

    async def _repeat(
        self, upload_id: str, done: _Published, task: str, alias: str | None
    ) -> Publication:
        if (done.task, done.alias) != (task, alias):
            raise UploadNotFound(upload_id)
        record = await self._storage.run(lambda: self._registry.version(task, done.version))
        return Publication(record, done.created)

    def _describe(self, session: UploadSession) -> Upload:
        return Upload(
            upload=session.id,
            offset=session.offset,
            size_bytes=session.size_bytes,
            expires_at=session.expires_at(self._sessions.grace),
        )


def _finish_first() -> None:
    """Let the next request wait: what runs here takes no time that depends on a client."""
