"""The command run in this process, against a real server with a fake engine."""

import io
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.command_line import Outcome, Run, Running
from client.scripted_server import serve_app
from fake_engine import FakeEngine
from multitap.command import main
from multitap_registry.memory import MemoryRegistry
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from publishing import publish
from sample_adapters import sample_adapter


@pytest.fixture(autouse=True)
def _no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MULTITAP_URL", raising=False)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line; `stdin` is what is piped into it, nothing by default."""

    def run(*arguments: str | Path, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Outcome(code, out, err)

    return run


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A server with the task `sentiment`, which MULTITAP_URL names."""
    registry, engine = MemoryRegistry(), FakeEngine()
    publish(registry, "sentiment", sample_adapter(labels=["bad", "good"]))
    listening = socket.create_server(("127.0.0.1", 0))
    config = ServerConfig(port=listening.getsockname()[1])
    with serve_app(create_app(config, registry, engine), listening) as url:
        monkeypatch.setenv("MULTITAP_URL", url)
        yield Running(url, registry, engine)


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """An adapter file that the server can run."""
    path = tmp_path / "other.safetensors"
    path.write_bytes(sample_adapter(seed=7, labels=["ham", "spam"]))
    return path
