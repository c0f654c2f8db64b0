"""The way of an upload: staged as it arrives, sealed, tried on the engine, published."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from multitap_registry.contract import Publication, Registry, Upload

from .references import require_new_alias, require_new_task
from .servability import Servability
from .threads import Threads

ResultT = TypeVar("ResultT")


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

    async def publish(
        self, task: str, chunks: Chunks, *, by: str, alias: str | None
    ) -> Publication:
        """Publish what arrives as a version of a task; leaves nothing behind where it fails.

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
            self._threads, chunks, lambda: self._publish(task, chunks, by=by, alias=alias)
        )

    def finish(self, task: str, upload: Upload, *, by: str, alias: str | None) -> Publication:
        """Try a whole upload on the engine, and publish it; blocks. Raises: as `publish`."""
        self._servability.check(upload.seal())
        return self._registry.publish(task, upload, by=by, alias=alias)

    def _publish(
        self, task: str, chunks: Iterable[bytes], *, by: str, alias: str | None
    ) -> Publication:
        with self._registry.begin_upload() as upload:
            for chunk in chunks:
                upload.write(chunk)
            return self.finish(task, upload, by=by, alias=alias)


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
