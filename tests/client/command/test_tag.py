"""`multitap tag` against a real server."""

import json

import pytest

from client.command_line import Run, Running


def test_tags_are_given_and_taken(run: Run, server: Running) -> None:
    given = run("tag", "sentiment@1", "--add", "best", "-a", "team/a")
    changed = run("tag", "sentiment", "--remove", "best", "--add", "eu")

    assert (given.code, given.out) == (0, "sentiment@1 has best, team/a\n")
    assert changed.out == "sentiment@1 has eu, team/a\n"
    assert server.registry.version("sentiment", 1).tags == ("eu", "team/a")
    assert run("tag", "sentiment@1", "-r", "eu", "-r", "team/a").out == "sentiment@1 has no tags\n"


@pytest.mark.usefixtures("server")
def test_json_is_the_wires_version(run: Run) -> None:
    assert json.loads(run("tag", "sentiment", "-a", "best", "--json").out)["tags"] == ["best"]


@pytest.mark.usefixtures("server")
def test_nothing_to_do_is_wrong_usage(run: Run) -> None:
    outcome = run("tag", "sentiment@1")

    assert (outcome.code, outcome.err) == (
        2,
        "multitap: error: nothing to do: give --add TAG or --remove TAG\n",
    )


@pytest.mark.usefixtures("server")
def test_a_tag_that_breaks_the_grammar_is_one_line(run: Run) -> None:
    outcome = run("tag", "sentiment@1", "--add", "no tag")

    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "'no tag' is no tag" in outcome.err
