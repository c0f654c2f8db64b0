"""The way of an upload: staged as it arrives, sealed, tried on the engine, published."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias, TypeVar

from multitap_registry.contract import Publication, Registry, Upload

from .references import require_new_alias, require_new_task
from .rejections import Attempt, Rejections
from .servability import Servability
from .threads import Threads

ResultT = TypeVar("ResultT")

# Begins the use of an upload whose bytes have arrived.
Whole: TypeAlias = Callable[[], AbstractContextManager[Upload]]


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
        return await receive(
            self._threads,
            chunks,
            lambda: self._publish(task, chunks, by=by, alias=alias, request_id=request_id),
        )

    def finish(
        self, task: str, begin: Whole, *, by: str, alias: str | None, request_id: str
    ) -> Publication:
        """Try a whole upload on the engine, and publish it; blocks. Raises: as `publish`."""
        with (
            self._rejections.noting(task, by=by, request_id=request_id) as attempt,
            begin() as upload,
        ):
            return self._finish(task, upload, attempt, by=by, alias=alias, request_id=request_id)

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
            return self._finish(task, upload, attempt, by=by, alias=alias, request_id=request_id)

    def _finish(
        self,
        task: str,
        upload: Upload,
        attempt: Attempt,
        *,
        by: str,
        alias: str | None,
        request_id: str,
    ) -> Publication:
        file = upload.seal()
        attempt.digest = file.digest
        self._servability.check(file)
        return self._registry.publish(task, upload, by=by, alias=alias, request_id=request_id)


async def receive(threads: Threads, chunks: Chunks, call: Callable[[], ResultT]) -> ResultT:
    """Run a call that reads a body in a thread; return or raise what it does, when it has ended.

    Raises:
        Overloaded: every thread is busy; the call was not made.
    """
    future = threads.start(call)
    try:
        return await asyncio.shield(future)
    finally:
        # A cancelled request still waits for its thread, which cleans up.
        chunks.stop()
        await asyncio.wait({future})
