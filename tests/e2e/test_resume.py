"""kill -9 of the server in the middle of a large push: the push goes on, and nothing is sent twice.

The client speaks to a proxy, since every new server takes another port.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from killable_servers import Servers, running_servers
from multitap import Client, Retries
from multitap.parts import PART_BYTES
from sample_adapters import large_adapter, sample_adapter
from tcp_proxy import TcpProxy, tcp_proxy


@dataclass
class Killing:
    """Progress that kills the server whenever another part was begun, and starts a new one."""

    servers: Servers
    folder: Path
    proxy: TcpProxy
    kills: int = 0
    seen: list[int] = field(default_factory=list[int])

    def __call__(self, done_bytes: int, _: int) -> None:
        """Note what was sent, and kill."""
        self.seen.append(done_bytes)
        if done_bytes > (self.kills + 1) * PART_BYTES:
            self.kills += 1
            self.servers.kill()
            self.proxy.target = int(self.servers.start(self.folder).rpartition(":")[2])


def test_a_push_goes_on_after_each_kill_of_the_server(tmp_path: Path) -> None:
    content, folder = large_adapter(), tmp_path / "registry"
    with running_servers() as servers, tcp_proxy(servers.start(folder)) as proxy:
        killing = Killing(servers, folder, proxy)
        with Client(proxy.url, retries=Retries(first_wait_s=0.001)) as client:
            publication = client.push("large", content, progress=killing)
            client.pull("large@1", tmp_path / "pulled")

    assert killing.kills == 4
    assert publication.record.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert (tmp_path / "pulled").read_bytes() == content
    backwards = [a - b for a, b in zip(killing.seen, killing.seen[1:], strict=False) if b <= a]
    assert all(back < PART_BYTES for back in backwards)
    assert list((folder / "sessions").iterdir()) == []
    assert list((folder / "staging").iterdir()) == []


def test_every_acknowledged_byte_is_there_after_a_kill_between_two_parts(tmp_path: Path) -> None:
    content, folder = sample_adapter(), tmp_path / "registry"
    with running_servers() as servers:
        with httpx.Client(base_url=servers.start(folder)) as client:
            place = client.post("/uploads", json={"size_bytes": len(content)}).headers["location"]
            assert append(client, place, 0, content[:300]) == 300
        servers.kill()
        with httpx.Client(base_url=servers.start(folder)) as client:
            assert client.get(place).json()["offset"] == 300
            assert append(client, place, 300, content[300:]) == len(content)
            upload = place.rpartition("/")[2]
            published = client.post(f"/tasks/small/versions?upload={upload}")

    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert (published.status_code, published.json()["digest"]) == (201, digest)


def append(client: httpx.Client, place: str, offset: int, content: bytes) -> int:
    """Add bytes to an upload; return its offset."""
    headers = {"content-type": "application/octet-stream", "upload-offset": str(offset)}
    answer = client.patch(place, content=content, headers=headers)
    return int(answer.headers["upload-offset"])
