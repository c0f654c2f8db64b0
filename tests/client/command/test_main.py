"""The edge of the process: help, exit codes, signals and pipes."""

import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from starlette.responses import JSONResponse

import multitap
from client.command_line import Run, Running
from client.documents import ANSWER, problem
from client.processes import started
from client.scripted_server import Script
from multitap.command import main
from multitap.command.failures import CommandError, extra, report_failure

VERBS = [
    "serve",
    "train",
    "push",
    "pull",
    "predict",
    "tasks",
    "promote",
    "rollback",
    "history",
    "tag",
    "delete",
    "events",
    "inspect",
    "import",
    "export",
]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_without_a_verb_there_is_help(run: Run, arguments: list[str]) -> None:
    outcome = run(*arguments)

    assert (outcome.code, outcome.err) == (0, "")
    for verb in VERBS:
        assert re.search(rf"^│ {verb} ", outcome.out, re.MULTILINE)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(run: Run, verb: str) -> None:
    outcome = run(verb, "--help")

    assert (outcome.code, outcome.err) == (0, "")
    assert f"multitap {verb}" in outcome.out


def test_the_version_is_the_distributions(run: Run) -> None:
    assert run("--version").out == f"multitap {multitap.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sing"], "no such command 'sing'"),
        (["tasks", "--colour"], "no such option: --colour"),
        (
            ["predict", "a", "b", "--top-k", "0"],
            "invalid value for '--top-k': ",
        ),
        (["push", "spam"], "missing argument 'FILE'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_two(
    run: Run, arguments: list[str], message: str
) -> None:
    outcome = run(*arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"multitap: error: {message}")
    assert outcome.err.count("\n") == 1


def test_an_error_with_line_breaks_and_escapes_is_one_line(run: Run, script: Script) -> None:
    script.answer(problem("internal", 500, "first\nsecond \x1b[31m"))

    outcome = run("tasks", "--url", script.url)

    assert outcome.err == "multitap: error: first second \\x1b[31m\n"


def test_a_proxys_page_is_one_line(run: Run, script: Script) -> None:
    script.answer(JSONResponse({"oh": "no"}, status_code=502))

    outcome = run("tasks", "--url", script.url)

    assert outcome.err == (
        'multitap: error: the server answered 502 (application/json): \'{"oh":"no"}\'\n'
    )


def test_a_bug_is_not_swallowed() -> None:
    assert report_failure(ZeroDivisionError()) is None


def test_a_missing_package_of_ours_is_a_bug() -> None:
    with pytest.raises(ModuleNotFoundError), extra("server"):
        raise ModuleNotFoundError(name="multitap_server.nothing")


def test_a_missing_package_of_others_names_the_extra() -> None:
    message = r'^torch is not installed; get it with: pip install "multitap\[training\]"$'

    with pytest.raises(CommandError, match=message), extra("training"):
        raise ModuleNotFoundError(name="torch")


def test_ctrl_c_ends_it_quietly_with_130() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with started("tasks", url=url) as process:
            connection, _ = silent.accept()
            with connection:
                connection.recv(1)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate()

    assert (process.returncode, out, err) == (130, b"", b"")


@pytest.mark.parametrize("form", [[], ["--json"], ["--jsonl"]])
def test_a_reader_that_goes_away_ends_it_quietly(script: Script, form: list[str]) -> None:
    many = ANSWER | {"predictions": [{"label": "good", "score": 0.5}] * 64}
    script.answer(JSONResponse(many))
    with started("predict", "x", *form, url=script.url, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(b"line\n" * 640)
        process.stdin.close()
        err = process.stderr.read()
        process.wait()

    assert (process.returncode, err) == (1, b"")


@pytest.mark.usefixtures("server")
def test_results_reach_a_pipe_whole(server: Running, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"line\n" * 3)

    with started(
        "predict", "sentiment", "-f", tmp_path / "in", "--jsonl", url=server.url
    ) as process:
        out, err = process.communicate()

    assert (process.returncode, err) == (0, b"")
    assert out.count(b"\n") == 3


def test_main_takes_the_process_arguments_by_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["multitap", "--version"])

    assert main() == 0
    assert capsys.readouterr().out.startswith("multitap ")
