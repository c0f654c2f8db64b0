"""A large file pushed to the real service, through a network that fails in the middle."""

import asyncio
import hashlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.command_line import Running
from client.scripted_server import serve_app
from fake_engine import FakeEngine
from multitap import AsyncClient, Client, InvalidAdapter, Retries
from multitap.parts import PART_BYTES, WHOLE_BYTES
from multitap_registry.memory import MemoryRegistry
from multitap_registry.sessions import SessionLimits
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from sample_adapters import large_adapter
from tcp_proxy import TcpProxy, tcp_proxy

PATIENT = Retries(first_wait_s=0.001)


@pytest.fixture(scope="module")
def content() -> bytes:
    """The bytes of an adapter that goes in parts."""
    content = large_adapter()
    assert len(content) > max(WHOLE_BYTES, 4 * PART_BYTES)
    return content


@pytest.fixture
def server() -> Iterator[Running]:
    """The real service, to which proxies lead; it has room for one large upload."""
    registry = MemoryRegistry(sessions=SessionLimits(total_bytes=20 * 2**20))
    engine = FakeEngine()
    listening = socket.create_server(("127.0.0.1", 0))
    config = ServerConfig(port=listening.getsockname()[1], allowed_hosts=("127.0.0.1",))
    with serve_app(create_app(config, registry, engine), listening) as url:
        yield Running(url, registry, engine)


@pytest.fixture
def proxy(server: Running) -> Iterator[TcpProxy]:
    """A proxy to it."""
    with tcp_proxy(server.url) as proxy:
        yield proxy


class Cuts:
    """Progress that cuts the network whenever another so many bytes were sent."""

    def __init__(self, proxy: TcpProxy, every_bytes: int) -> None:
        self.cuts = 0
        self.seen: list[int] = []
        self._proxy = proxy
        self._every_bytes = every_bytes

    def __call__(self, done_bytes: int, total_bytes: int) -> None:
        """Note what was sent, and cut."""
        assert done_bytes <= total_bytes
        self.seen.append(done_bytes)
        if done_bytes > (self.cuts + 1) * self._every_bytes:
            self.cuts += 1
            self._proxy.cut()


def test_a_large_file_becomes_the_version_of_its_bytes(server: Running, content: bytes) -> None:
    with Client(server.url) as client:
        publication = client.push("large", content, alias="next")

    record = publication.record
    assert publication.created
    assert record.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert (record.version, record.aliases) == (1, ["live", "next"])


def test_the_same_large_file_again_is_the_same_version(server: Running, content: bytes) -> None:
    with Client(server.url) as client:
        first = client.push("large", content)
        again = client.push("large", content)

    assert (first.created, again.created) == (True, False)
    assert first.record.version == again.record.version


def test_a_network_that_is_cut_in_the_middle_is_survived(
    server: Running, proxy: TcpProxy, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(content)
    cuts = Cuts(proxy, every_bytes=2 * 2**20)
    with Client(proxy.url, retries=PATIENT) as client:
        publication = client.push("large", tmp_path / "large", progress=cuts)

    assert cuts.cuts >= 7
    assert publication.record.version == 1
    assert server.registry.read_blob(publication.record.digest) == content


async def test_the_asynchronous_client_survives_it_too(
    server: Running, proxy: TcpProxy, content: bytes
) -> None:
    cuts = Cuts(proxy, every_bytes=3 * 2**20)
    async with AsyncClient(proxy.url, retries=PATIENT) as client:
        publication = await client.push("large", content, progress=cuts)

    assert cuts.cuts >= 4
    assert server.registry.read_blob(publication.record.digest) == content


def test_little_is_sent_twice_after_a_cut(proxy: TcpProxy, content: bytes) -> None:
    cuts = Cuts(proxy, every_bytes=10 * 2**20)
    with Client(proxy.url, retries=PATIENT) as client:
        client.push("large", content, progress=cuts)

    (back,) = (
        before - after
        for before, after in zip(cuts.seen, cuts.seen[1:], strict=False)
        if after <= before
    )
    assert cuts.cuts == 1
    assert back < PART_BYTES


def test_progress_ends_with_the_last_byte(server: Running, content: bytes) -> None:
    seen: list[tuple[int, int]] = []
    with Client(server.url) as client:
        client.push("large", content, progress=lambda done, total: seen.append((done, total)))

    assert seen == sorted(seen)
    assert seen[-1] == (len(content), len(content))


def test_two_large_files_at_once_are_two_versions(content: bytes) -> None:
    registry, engine = MemoryRegistry(), FakeEngine()
    listening = socket.create_server(("127.0.0.1", 0))
    config = ServerConfig(port=listening.getsockname()[1])
    versions: list[int] = []
    with serve_app(create_app(config, registry, engine), listening) as url, Client(url) as client:

        def push(file: bytes) -> None:
            versions.append(client.push("large", file).record.version)

        threads = [threading.Thread(target=push, args=(f,)) for f in (content, large_adapter(1))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(versions) == [1, 2]


def test_a_file_that_is_refused_leaves_no_upload_behind(server: Running, content: bytes) -> None:
    broken = content[:-4] + b"\x00\x00\x80\x7f"  # infinity
    with Client(server.url) as client:
        with pytest.raises(InvalidAdapter, match="not finite"):
            client.push("large", broken)

        # There is room for one only.
        assert client.push("large", content).created


async def test_a_push_that_is_cancelled_ends(server: Running, content: bytes) -> None:
    started = asyncio.Event()
    async with AsyncClient(server.url) as client:
        push = asyncio.create_task(
            client.push("large", content, progress=lambda _done, _total: started.set())
        )
        await started.wait()
        push.cancel()
        with pytest.raises(asyncio.CancelledError):
            await push
        assert await client.ready()
