"""Files on their way out: read in threads, one chunk at a time, in memory never more than two."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import Final

from .engine.errors import Overloaded
from .threads import Threads

# How long a download that is under way waits before it asks for a thread again.
_PAUSE_S: Final = 0.05


async def open_download(
    chunks: Generator[bytes, None, None], threads: Threads
) -> AsyncGenerator[bytes]:
    """Read a file's first chunk, and return all of its chunks.

    Raises: what reading the first chunk raises; the others raise as they are asked for.
        Overloaded: no thread is free to read the first one.
    """
    first = await _read(chunks, threads)
    return _all(first, chunks, threads)


async def _all(
    chunk: bytes | None, chunks: Generator[bytes, None, None], threads: Threads
) -> AsyncGenerator[bytes]:
    while chunk is not None:
        try:
            yield chunk
        except GeneratorExit:
            chunks.close()
            raise
        chunk = await _read_patiently(chunks, threads)


async def _read_patiently(chunks: Generator[bytes, None, None], threads: Threads) -> bytes | None:
    while True:
        try:
            return await _read(chunks, threads)
        except Overloaded:
            await asyncio.sleep(_PAUSE_S)


async def _read(chunks: Generator[bytes, None, None], threads: Threads) -> bytes | None:
    """Return the next chunk, None at the end; whoever goes away meanwhile leaves nothing open."""
    reading = threads.start(lambda: next(chunks, None))
    try:
        return await asyncio.shield(reading)
    except asyncio.CancelledError:
        reading.add_done_callback(lambda _: chunks.close())
        raise
