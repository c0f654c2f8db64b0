"""`multitap tasks` against a real server."""

import json

import pytest
from starlette.responses import JSONResponse

from client.command_line import Run, Running
from client.scripted_server import Script
from publishing import publish
from sample_adapters import sample_adapter

pytestmark = pytest.mark.usefixtures("server")


def test_tasks_are_a_table(run: Run, server: Running) -> None:
    many = [f"intent-{number}" for number in range(20)]
    publish(server.registry, "banking", sample_adapter(labels=many))

    outcome = run("tasks")

    assert outcome.code == 0
    head, _, banking, sentiment = outcome.out.splitlines()
    assert head.split() == ["task", "kind", "labels", "live", "versions", "servable", "updated"]
    assert "intent-0, intent-1, intent-2, intent-3, … (20 in all)" in " ".join(banking.split())
    assert sentiment.split()[:7] == ["sentiment", "classification", "bad,", "good", "1", "1", "yes"]


def test_tasks_as_json_are_the_wires_list(run: Run) -> None:
    listed = json.loads(run("tasks", "--json").out)

    assert [task["task"] for task in listed["tasks"]] == ["sentiment"]
    assert listed["next"] is None
    assert listed["tasks"][0]["aliases"] == {"live": 1}


def test_no_tasks_are_a_hint(run: Run, script: Script) -> None:
    script.answer(JSONResponse({"tasks": [], "next": None}))

    outcome = run("tasks", "--url", script.url)

    assert outcome.out == "no tasks yet; publish one with: multitap push TASK FILE\n"


def test_one_task_is_shown_with_its_versions(run: Run, server: Running) -> None:
    newer = sample_adapter(seed=3, labels=["bad", "good"])
    publish(server.registry, "sentiment", newer, alias="next", by="[ann]")

    outcome = run("tasks", "sentiment")

    rows = [line.split() for line in outcome.out.splitlines()]
    assert ["labels", "bad,", "good"] in rows
    assert ["aliases", "live", "→", "1,", "next", "→", "2"] in rows
    newest, oldest = rows[-2:]
    assert (newest[0], newest[-1], oldest[0]) == ("2", "[ann]", "1")


def test_one_task_as_json_has_its_versions_beside_it(run: Run) -> None:
    shown = json.loads(run("tasks", "sentiment", "--json").out)

    assert shown["task"]["live"] == 1
    assert [version["version"] for version in shown["versions"]] == [1]
    assert shown["versions"][0]["digest"].startswith("sha256:")


def test_tasks_are_found_by_conditions(run: Run, server: Running) -> None:
    publish(server.registry, "spam", sample_adapter(seed=1, labels=["ham", "spam"]))
    server.registry.tag("spam", 1, by="ann", add=["good"])

    for condition in (["-q", "pam"], ["--label", "HAM"], ["--tag", "good"]):
        assert run("tasks", *condition).out.splitlines()[-1].split()[0] == "spam"
    for condition in (["--kind", "tagging"], ["--language", "de"], ["--text", "a"]):
        assert run("tasks", *condition).out == "no such tasks\n"
    assert json.loads(run("tasks", "--licence", "MIT", "--json").out)["tasks"] == []


def test_the_versions_of_a_task_are_found_by_a_tag(run: Run, server: Running) -> None:
    publish(server.registry, "sentiment", sample_adapter(seed=3, labels=["bad", "good"]))
    server.registry.tag("sentiment", 2, by="ann", add=["best", "eu"])

    outcome = run("tasks", "sentiment", "--tag", "eu")

    assert outcome.out.splitlines()[-1].split()[:1] == ["2"]
    assert "best, eu" in outcome.out
    assert len(json.loads(run("tasks", "sentiment", "--json").out)["versions"]) == 2


def test_conditions_of_tasks_do_not_go_with_one_task(run: Run) -> None:
    outcome = run("tasks", "sentiment", "--label", "good")

    assert (outcome.code, outcome.err) == (
        2,
        "multitap: error: of the conditions only --tag goes with NAME\n",
    )


@pytest.mark.parametrize("name", ["none", "no/thing"])
def test_an_unknown_task_is_one_line(run: Run, name: str) -> None:
    outcome = run("tasks", name)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("multitap: error: no ")
    assert outcome.err.count("\n") == 1


def test_without_a_server_it_says_how_to_start_one(run: Run, closed_port: str) -> None:
    outcome = run("tasks", "--url", closed_port)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        f"multitap: error: no server answers at {closed_port}; start one with: multitap serve\n"
    )


def test_a_url_that_is_none_is_one_line(run: Run) -> None:
    outcome = run("tasks", "--url", "localhost:8000")

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        "multitap: error: 'localhost:8000' is no http or https URL with a host\n"
    )
