"""The command run in this process, against a real server with a fake engine."""

import io
import sys
from pathlib import Path

import pytest

from client.command_line import Outcome, Run, Running
from multitap.command import main
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
def server(real_server: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """A server with the task `sentiment`, which MULTITAP_URL names."""
    monkeypatch.setenv("MULTITAP_URL", real_server.url)
    return real_server


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """An adapter file that the server can run."""
    path = tmp_path / "other.safetensors"
    path.write_bytes(sample_adapter(seed=7, labels=["ham", "spam"]))
    return path
