"""The way of an upload: staged as it arrives, sealed, tried on the engine, published."""

import asyncio
from collections.abc import Iterable
from typing import Protocol

from multitap_registry.contract import Publication, Registry

from .references import require_new_alias, require_new_task
from .rejections import Rejections
from .servability import Servability
from .threads import Threads


class Chunks(Iterable[bytes], Protocol):
    """Bytes that arrive while a thread iterates; `stop` ends the iteration with an error."""

    def stop(self) -> None:
        """End the iteration with an error."""
        ...


class Uploads:
    """Publishes adapters, each upload in one thread from its first byte to its version."""

    def __init__(self, registry: Registry, servability: Servability, threads: Threads) -> None:
        self._registry = registry
        self._servability = servability
        self._threads = threads
        self._rejections = Rejections(registry)

    async def publish(
        self, task: str, chunks: Chunks, *, by: str, alias: str | None, request_id: str
    ) -> Publication:
        """Publish what arrives as a version of a task; where it fails, an audit line is left.

        Raises:
            InvalidRequest: task or alias break the grammar; nothing was read.
            Overloaded: as many uploads as are allowed are on their way.
            AdapterFileError, UploadTooLarge: the bytes are no adapter.
            BackboneMismatch, UnsupportedAdapter: they are one, but not for this server.
            StorageFull, StorageUnavailable: nothing was published.
        """
        require_new_task(task)
        if alias is not None:
            require_new_alias(alias)
        future = self._threads.start(
            lambda: self._publish(task, chunks, by=by, alias=alias, request_id=request_id)
        )
        try:
            return await asyncio.shield(future)
        finally:
            # A cancelled request still waits for its thread, which cleans up.
            chunks.stop()
            await asyncio.wait({future})

    def _publish(
        self,
        task: str,
        chunks: Iterable[bytes],
        *,
        by: str,
        alias: str | None,
        request_id: str,
    ) -> Publication:
        with (
            self._rejections.noting(task, by=by, request_id=request_id) as attempt,
            self._registry.begin_upload() as upload,
        ):
            for chunk in chunks:
                upload.write(chunk)
            file = upload.seal()
            attempt.digest = file.digest
            self._servability.check(file)
            return self._registry.publish(task, upload, by=by, alias=alias, request_id=request_id)
