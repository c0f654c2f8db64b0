"""A real `multitap serve` on a free port of loopback, for measuring."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A server that is ready."""

    port: int
    pid: int


@contextmanager
def running_server(threads: int) -> Generator[int]:
    """Serve the starter tasks from a fresh registry; give the port once the server is ready."""
    with (
        tempfile.TemporaryDirectory() as folder,
        server_on(Path(folder) / "registry", threads=threads) as server,
    ):
        yield server.port


@contextmanager
def server_on(
    registry: Path, *, threads: int, backbone: str = "embedded", adapter_bytes: int | None = None
) -> Generator[ServerProcess]:
    """Serve a registry's folder; give the process once it is ready."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    settings = {} if adapter_bytes is None else {"MULTITAP_ADAPTER_BYTES": str(adapter_bytes)}
    process = subprocess.Popen(
        [
            Path(sys.executable).parent / "multitap",
            "serve",
            *("--port", str(port)),
            *("--registry", str(registry)),
            *("--backbone", backbone),
            *("--threads", str(threads)),
        ],
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_ready(port, process)
        yield ServerProcess(port, process.pid)
    finally:
        process.terminate()
        process.wait()


def read_metric(port: int, name: str) -> float:
    """Return one number of the server's metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
    raise KeyError(name)


def predict_request(port: int, task: str, text: str) -> bytes:
    """Return the bytes of one prediction over a kept-alive connection; the text is plain words."""
    body = f'{{"inputs":["{text}"]}}'
    return (
        f"POST /predict/{task} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz"):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise SystemExit(f"the server ended with code {process.returncode}")
