"""`multitap events` against a real server."""

import json
import os
import signal

import pytest
from starlette.responses import JSONResponse

from client.command_line import Run, Running
from client.documents import problem
from client.processes import started
from client.scripted_server import Script


@pytest.fixture(autouse=True)
def _tagged(server: Running) -> None:
    server.registry.tag("sentiment", 1, by="ann", add=["best"])


def test_events_are_a_table(run: Run) -> None:
    head, _, *rows = [line.split() for line in run("events").out.splitlines()]

    assert head == ["event", "at", "type", "what", "by"]
    assert [(row[0], *row[3:]) for row in rows] == [
        ("1", "version.published", "sentiment@1", "anonymous"),
        ("2", "alias.moved", "sentiment@live", "→", "1", "anonymous"),
        ("3", "version.tagged", "sentiment@1", "ann"),
    ]


def test_the_newest_events_are_shown_unless_it_is_said_where_to_begin(run: Run) -> None:
    newest = json.loads(run("events", "--limit", "2", "--json").out)
    first = json.loads(run("events", "--after", "0", "--limit", "2", "--json").out)

    assert [event["seq"] for event in newest["events"]] == [2, 3]
    assert [event["seq"] for event in first["events"]] == [1, 2]
    assert (first["next"], first["last"]) == (2, 3)


def test_events_can_be_a_document_a_line(run: Run) -> None:
    lines = [json.loads(line) for line in run("events", "--jsonl").out.splitlines()]

    assert [line["seq"] for line in lines] == [1, 2, 3]


def test_nothing_new_is_said(run: Run) -> None:
    assert run("events", "--after", "3").out == "no events\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--json", "--jsonl"], "--json and --jsonl exclude each other"),
        (["--follow", "--json"], "--follow has no end: take --jsonl in place of --json"),
    ],
)
def test_forms_that_do_not_go_together_are_wrong_usage(
    run: Run, arguments: list[str], message: str
) -> None:
    outcome = run("events", *arguments)

    assert (outcome.code, outcome.err) == (2, f"multitap: error: {message}\n")


def test_following_shows_events_until_something_ends_it(run: Run, script: Script) -> None:
    event = {"seq": 7, "at": "2026-11-24T12:00:00Z", "by": "ann", "type": "task.deleted"}
    script.answer(
        JSONResponse({"events": [event | {"task": "spam"}], "next": 7, "last": 7}),
        problem("internal", 500, "the server failed"),
    )
    outcome = run("events", "--follow", "--after", "6", "--url", script.url)

    assert outcome.code == 1
    assert outcome.out.split()[0] == "7"
    assert outcome.out.split()[3:] == ["task.deleted", "spam", "by", "ann"]
    assert outcome.err == "multitap: error: the server failed\n"


def test_ctrl_c_ends_following(server: Running) -> None:
    with started("events", "--follow", "--jsonl", url=server.url) as process:
        assert process.stdout is not None
        seen = [json.loads(process.stdout.readline())["seq"] for _ in range(3)]
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)

    assert (seen, process.returncode, err) == ([1, 2, 3], 130, b"")


def test_without_a_server_it_says_how_to_start_one(run: Run, closed_port: str) -> None:
    outcome = run("events", "--follow", "--url", closed_port)

    assert outcome.code == 1
    assert "start one with: multitap serve" in outcome.err
