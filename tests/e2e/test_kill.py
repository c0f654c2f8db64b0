"""kill -9 during uploads over HTTP: nothing that was acknowledged is lost, nothing else is left."""

import hashlib
import itertools
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from killable_servers import Servers, running_servers
from multitap import Client, MultitapError, Retries
from sample_adapters import sample_adapter

ROUNDS = 50
UPLOADERS = 3


@dataclass
class Uploads:
    """What clients uploaded, and which of it was acknowledged: (task, version) to digest."""

    acknowledged: dict[tuple[str, int], str] = field(default_factory=dict[tuple[str, int], str])
    seeds: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def run(self, url: str, task: str, first: threading.Event) -> None:
        """Upload one new adapter after another until the server is gone."""
        with Client(url, retries=Retries(limit=0)) as client:
            while True:
                try:
                    version = client.push(task, sample_adapter(next(self.seeds))).record
                except MultitapError:
                    return
                self.acknowledged[task, version.version] = version.digest
                first.set()


def test_no_acknowledged_upload_is_lost_when_the_server_is_killed_50_times(tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    uploads = Uploads()
    moments = random.Random(0)  # noqa: S311  when to kill, not a secret
    with running_servers() as servers:
        for _ in range(ROUNDS):
            kill_during_uploads(servers, folder, uploads, moments.uniform(0, 0.1))
        url = servers.start(folder)
        with Client(url) as client:
            for (name, number), digest in uploads.acknowledged.items():
                assert hashlib.sha256(read_file(client, name, number, tmp_path)).hexdigest() == (
                    digest.removeprefix("sha256:")
                )
            for task in client.tasks():
                versions = sorted(version.version for version in client.versions(task.task))
                assert versions == list(range(1, task.versions + 1))
                assert task.live == 1
    assert len(uploads.acknowledged) >= ROUNDS
    assert list((folder / "staging").iterdir()) == []


def kill_during_uploads(servers: Servers, folder: Path, uploads: Uploads, wait_s: float) -> None:
    """Start a server, let clients upload, and kill it at some moment after the first answer."""
    url = servers.start(folder)
    first = threading.Event()
    threads = [
        threading.Thread(target=uploads.run, args=(url, f"task-{n}", first))
        for n in range(UPLOADERS)
    ]
    for thread in threads:
        thread.start()
    if not first.wait(timeout=60):
        pytest.fail("no upload was acknowledged")
    time.sleep(wait_s)
    servers.kill()
    for thread in threads:
        thread.join()


def read_file(client: Client, task: str, number: int, folder: Path) -> bytes:
    """Return the bytes of a version, as a client gets them."""
    path = folder / f"{task}-{number}.safetensors"
    client.pull(f"{task}@{number}", path)
    return path.read_bytes()
