"""`multitap delete` against a real server."""

import io
import json
import sys

import pytest

from client.command_line import Run, Running
from multitap.command import main
from multitap_registry.errors import AliasNotFound, TaskNotFound, VersionNotFound
from multitap_registry.reference import Reference
from publishing import publish
from sample_adapters import sample_adapter


class Terminal(io.TextIOWrapper):
    """A terminal at which somebody types."""

    def __init__(self, typed: str) -> None:
        super().__init__(io.BytesIO(typed.encode()))

    def isatty(self) -> bool:
        """Say that somebody is there."""
        return True


@pytest.fixture(autouse=True)
def _second(server: Running) -> None:
    publish(server.registry, "sentiment", sample_adapter(seed=3, labels=["bad", "good"]))


def test_a_version_is_deleted_with_its_reason(run: Run, server: Running) -> None:
    outcome = run("delete", "sentiment@2", "--reason", "leaked")

    assert (outcome.code, outcome.out, outcome.err) == (0, "deleted sentiment@2\n", "")
    with pytest.raises(VersionNotFound):
        server.registry.version("sentiment", 2)
    assert server.registry.audit(after=3, limit=9)[-1].entry.reason == "leaked"


def test_a_version_in_use_is_one_line(run: Run) -> None:
    outcome = run("delete", "sentiment@1")

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "multitap: error: version 1 of task 'sentiment' is in use by 'live'\n"


def test_a_task_is_deleted_by_force(run: Run, server: Running) -> None:
    assert run("delete", "sentiment").code == 1
    outcome = run("delete", "sentiment", "--force")

    assert (outcome.code, outcome.out) == (0, "deleted task sentiment with all of its versions\n")
    with pytest.raises(TaskNotFound):
        server.registry.task("sentiment")


def test_an_alias_is_deleted_alone(run: Run, server: Running) -> None:
    outcome = run("delete", "sentiment", "--alias", "live")

    assert outcome.out == "deleted alias sentiment@live\n"
    assert server.registry.task("sentiment").versions == 2
    with pytest.raises(AliasNotFound):
        server.registry.resolve(Reference("sentiment"))


def test_json_says_what_was_deleted(run: Run) -> None:
    deleted = json.loads(run("delete", "sentiment@2", "--json").out)

    assert deleted == {"task": "sentiment", "version": 2, "alias": None}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sentiment@live"], "'sentiment@live' has no version's number"),
        (["sentiment@"], "'sentiment@' has no version's number"),
        (["sentiment@2", "--alias", "live"], "a version and --alias exclude each other"),
        (["sentiment@2", "--force"], "--force is for whole tasks only"),
        (["sentiment", "--alias", "live", "--force"], "--force is for whole tasks only"),
    ],
)
def test_wrong_usage_deletes_nothing(
    run: Run, server: Running, arguments: list[str], message: str
) -> None:
    outcome = run("delete", *arguments)

    assert outcome.code == 2
    assert outcome.err.startswith(f"multitap: error: {message}")
    assert server.registry.last_event() == 3


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("Yes\n", 0), ("n\n", 1), ("", 1)])
def test_on_a_terminal_it_asks_first(
    server: Running,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    typed: str,
    code: int,
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))

    assert main(["delete", "sentiment@2"]) == code
    err = capfd.readouterr().err
    assert err.startswith("delete sentiment@2? [y/N] ")
    assert err.endswith("multitap: error: nothing was deleted\n") is bool(code)
    assert server.registry.last_event() == 3 + (not code)


def test_with_yes_it_asks_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(""))

    assert main(["delete", "sentiment@2", "--yes"]) == 0
    assert capfd.readouterr().err == ""
