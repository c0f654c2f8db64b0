"""`multitap promote`, `multitap rollback` and `multitap history` against a real server."""

import json

import pytest

from client.command_line import Run, Running
from publishing import publish
from sample_adapters import sample_adapter


@pytest.fixture(autouse=True)
def _second(server: Running) -> None:
    publish(server.registry, "sentiment", sample_adapter(seed=3, labels=["bad", "good"]))


def live(server: Running) -> int | None:
    return server.registry.task("sentiment").live


def test_a_promotion_moves_live(run: Run, server: Running) -> None:
    outcome = run("promote", "sentiment@2", "--reason", "better")

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "sentiment@live is version 2 now\n"
    assert live(server) == 2
    assert server.registry.history("sentiment", "live")[-1].reason == "better"


def test_an_alias_can_be_promoted_to_another(run: Run, server: Running) -> None:
    run("promote", "sentiment@2", "--to", "candidate")
    version = json.loads(run("promote", "sentiment@candidate", "--json").out)

    assert (version["version"], version["aliases"]) == (2, ["candidate", "live"])
    assert live(server) == 2


def test_a_promotion_may_say_where_the_alias_must_be(run: Run) -> None:
    refused = run("promote", "sentiment@2", "--expected", "2")

    assert refused.code == 1
    assert refused.err == (
        "multitap: error: alias 'live' of task 'sentiment' was expected at version 2, "
        "and is at version 1\n"
    )
    assert run("promote", "sentiment@2", "--expected", "1").code == 0
    assert run("promote", "sentiment@2", "--to", "new", "--expected", "none").code == 0
    assert run("promote", "sentiment@1", "--to", "new", "--expected", "none").code == 1


@pytest.mark.parametrize("expected", ["", "-1", "one", "٣"])
def test_an_expectation_that_is_none_is_wrong_usage(run: Run, expected: str) -> None:
    outcome = run("promote", "sentiment@2", f"--expected={expected}")

    assert outcome.code == 2
    assert outcome.err == (
        f"multitap: error: --expected must be a version's number or `none`, got {expected!r}\n"
    )


def test_a_rollback_takes_the_last_move_back(run: Run, server: Running) -> None:
    run("promote", "sentiment@2")
    outcome = run("rollback", "sentiment", "--expected", "2", "--reason", "worse")

    assert (outcome.code, outcome.out) == (0, "sentiment@live is back at version 1\n")
    assert live(server) == 1
    assert server.registry.history("sentiment", "live")[-1].reason == "worse"


def test_a_rollback_as_json_is_the_wires_version(run: Run) -> None:
    run("promote", "sentiment@2")

    assert json.loads(run("rollback", "sentiment", "--json").out)["aliases"] == ["live"]


def test_a_rollback_without_an_earlier_version_is_one_line(run: Run) -> None:
    outcome = run("rollback", "sentiment")

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        "multitap: error: alias 'live' of task 'sentiment' has no earlier version to go back to\n"
    )


def test_a_history_is_a_table_of_moves(run: Run) -> None:
    run("promote", "sentiment@2", "--reason", "better on new data")
    run("rollback", "sentiment")
    head, _, *rows = [line.split() for line in run("history", "sentiment").out.splitlines()]

    assert head == ["move", "what", "from", "to", "at", "by", "reason"]
    assert [row[:4] for row in rows[:2]] == [["1", "made", "-", "1"], ["2", "moved", "1", "2"]]
    assert rows[1][-4:] == ["better", "on", "new", "data"]
    assert rows[2][:5] == ["3", "rolled", "back", "2", "1"]


def test_the_history_of_a_deleted_alias_says_so(run: Run, server: Running) -> None:
    run("promote", "sentiment@2", "--to", "next")
    server.registry.delete_alias("sentiment", "next", by="ann")

    rows = run("history", "sentiment", "--alias", "next").out.splitlines()
    assert rows[-1].split()[:4] == ["2", "deleted", "2", "-"]


def test_a_history_as_json_is_the_wires(run: Run) -> None:
    [move] = json.loads(run("history", "sentiment", "--json").out)["history"]

    assert (move["from"], move["to"], move["rollback"]) == (None, 1, False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("promote", "sentiment@3"),
        ("promote", "none"),
        ("promote", "sentiment@2", "--to", "Bad!"),
        ("rollback", "sentiment", "--alias", "next"),
        ("history", "none"),
    ],
)
def test_what_is_not_there_is_one_line(run: Run, arguments: tuple[str, ...]) -> None:
    outcome = run(*arguments)

    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
