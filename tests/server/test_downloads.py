"""Files on their way out, chunk by chunk."""

import asyncio
import threading
from collections.abc import Generator, Sequence

import pytest

from engine_parts import soon
from multitap_registry.errors import CorruptBlob
from multitap_server.downloads import open_download
from multitap_server.engine.errors import Overloaded
from multitap_server.threads import Threads

DAMAGED = CorruptBlob("sha256:" + "0" * 64, "sha256:" + "1" * 64)


class Source:
    """Chunks that are counted as they are read; reading one may be held up, or fail."""

    def __init__(
        self, chunks: Sequence[bytes], *, held: int | None = None, broken: int | None = None
    ) -> None:
        self.read = 0
        self.closed = threading.Event()
        self.reached = threading.Event()
        self.gate = threading.Event()
        self._chunks = chunks
        self._held = held
        self._broken = broken

    def chunks(self) -> Generator[bytes, None, None]:
        """Yield them."""
        try:
            for number, chunk in enumerate(self._chunks):
                if number == self._held:
                    self.reached.set()
                    assert self.gate.wait(timeout=30)
                if number == self._broken:
                    raise DAMAGED
                self.read += 1
                yield chunk
        finally:
            self.closed.set()


@pytest.fixture
def threads() -> Generator[Threads]:
    pool = Threads("test", workers=1, waiting=0)
    yield pool
    pool.close()


async def test_chunks_come_in_order_and_the_file_is_closed(threads: Threads) -> None:
    source = Source([b"a", b"b", b"c"])
    download = await open_download(source.chunks(), threads)

    assert [chunk async for chunk in download] == [b"a", b"b", b"c"]
    assert source.closed.is_set()


async def test_an_empty_file_has_no_chunks(threads: Threads) -> None:
    download = await open_download(Source([]).chunks(), threads)

    assert [chunk async for chunk in download] == []


async def test_no_more_than_one_chunk_is_read_ahead(threads: Threads) -> None:
    source = Source([b"a", b"b", b"c"])
    download = await open_download(source.chunks(), threads)
    before = source.read

    assert [before, *[source.read async for _ in download]] == [1, 1, 2, 3]


async def test_a_fault_of_the_first_chunk_comes_before_any_answer(threads: Threads) -> None:
    with pytest.raises(CorruptBlob):
        await open_download(Source([b"a"], broken=0).chunks(), threads)


async def test_a_fault_further_on_ends_the_download_there(threads: Threads) -> None:
    source = Source([b"a", b"b"], broken=1)
    download = await open_download(source.chunks(), threads)
    assert await anext(download) == b"a"
    with pytest.raises(CorruptBlob):
        await anext(download)

    assert source.closed.is_set()


async def test_a_download_that_is_given_up_between_chunks_is_closed(threads: Threads) -> None:
    source = Source([b"a", b"b"])
    download = await open_download(source.chunks(), threads)
    await anext(download)
    await download.aclose()

    assert source.closed.is_set()
    assert source.read == 1


async def test_a_download_that_is_given_up_while_a_chunk_is_read_is_closed_after_it(
    threads: Threads,
) -> None:
    source = Source([b"a", b"b", b"c"], held=1)
    download = await open_download(source.chunks(), threads)
    await anext(download)
    reading = asyncio.ensure_future(anext(download))
    await asyncio.to_thread(source.reached.wait)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not source.closed.is_set()
    source.gate.set()
    await soon(asyncio.to_thread(source.closed.wait))

    assert source.read == 2


async def test_a_download_that_began_waits_for_a_thread_and_a_new_one_is_refused(
    threads: Threads,
) -> None:
    gate = threading.Event()
    download = await open_download(Source([b"a", b"b"]).chunks(), threads)
    await anext(download)
    busy = threads.start(gate.wait)
    with pytest.raises(Overloaded):
        await open_download(Source([b"x"]).chunks(), threads)
    following = asyncio.ensure_future(anext(download))
    await asyncio.sleep(0)
    assert not following.done()
    gate.set()
    await busy

    assert await soon(following) == b"b"
    await download.aclose()
