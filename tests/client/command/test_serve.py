"""`multitap serve` as a process of its own."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.command_line import Run
from client.processes import started
from multitap import Client
from multitap.predictions import ClassificationPrediction
from multitap_adapters.backbone import Backbone
from multitap_registry.folder import open_registry
from random_adapters import random_adapter_bytes, random_spec

Arguments = list[str | Path]


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    return tmp_path / "registry"


@pytest.fixture
def arguments(tiny_folder: Path, registry: Path) -> Arguments:
    """What starts a small server on a free port."""
    folders: Arguments = ["--registry", registry, "--backbone", tiny_folder]
    return ["serve", "--port", "0", "--threads", "1", *folders]


@pytest.fixture
def url(arguments: Arguments) -> Iterator[str]:
    """The URL of a running server, as its first line of output names it."""
    with started(*arguments) as process:
        assert process.stdout is not None
        words = process.stdout.readline().decode().split()
        assert words[:3] == ["multitap", "serves", "at"]
        yield words[3]
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate()
        assert (process.returncode, rest) == (0, b"")


def test_it_serves_a_pushed_adapter_and_stops_on_ctrl_c(url: str, tiny_backbone: Backbone) -> None:
    spec = random_spec(tiny_backbone.identity, labels=["bad", "good"])

    with Client(url) as client:
        assert client.ready()
        client.push("sentiment", random_adapter_bytes(spec))
        answer = client.predict("sentiment", ["good film", "bad film"], top_k=2)

    assert [len(each.scores or []) for each in answer.typed(ClassificationPrediction)] == [2, 2]


def test_a_port_that_is_taken_is_said(run: Run, arguments: Arguments) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        outcome = run(*arguments, "--port", port)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == f"multitap: error: cannot listen on 127.0.0.1 port {port}\n"


def test_a_registry_in_use_is_said(run: Run, arguments: Arguments, registry: Path) -> None:
    with open_registry(registry):
        outcome = run(*arguments)

    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    message = f"multitap: error: the registry in '{registry}' is already open"
    assert outcome.err.startswith(message)


def test_a_folder_without_a_backbone_is_said(
    run: Run, arguments: Arguments, tmp_path: Path
) -> None:
    outcome = run(*arguments, "--backbone", tmp_path)

    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert str(tmp_path) in outcome.err


def test_a_place_of_blobs_that_is_unknown_is_said(run: Run, arguments: Arguments) -> None:
    outcome = run(*arguments, "--blobs", "gs://adapters")

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        "multitap: error: the URL of blobs has the scheme 'gs', expected s3://bucket/prefix\n"
    )


def test_an_address_that_others_reach_is_refused(run: Run, arguments: Arguments) -> None:
    outcome = run(*arguments, "--host", "0.0.0.0")  # noqa: S104 (refused)

    assert outcome.code == 1
    assert outcome.err == (
        "multitap: error: host '0.0.0.0' is not loopback, and there are no keys: only "
        "--allow-unauthenticated listens there\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "99999"], "setting 'port' is 99999: "),
        (["--threads", "100000"], "setting 'threads' is 100000: "),
    ],
)
def test_a_setting_out_of_its_bounds_is_one_line(
    run: Run, arguments: list[str], message: str
) -> None:
    outcome = run("serve", *arguments)

    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert outcome.err.startswith(f"multitap: error: {message}")


def test_an_unknown_setting_of_the_environment_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MULTITAP_PROT", "9000")

    outcome = run("serve")

    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert outcome.err.startswith("multitap: error: unknown setting 'MULTITAP_PROT', expected ")


def test_an_address_that_others_reach_is_a_choice_that_is_logged(arguments: Arguments) -> None:
    with started(*arguments, "--host", "0.0.0.0", "--allow-unauthenticated") as process:  # noqa: S104
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()

    assert line.startswith("multitap serves at http://0.0.0.0:")
    assert process.returncode == 0
    assert "NO AUTHENTICATION: whoever reaches 0.0.0.0 " in err.decode()
