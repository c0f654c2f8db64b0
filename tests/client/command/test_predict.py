"""`multitap predict` against a real server."""

import json
from pathlib import Path

import pytest
from starlette.responses import JSONResponse

from client.command_line import Run, Running
from client.documents import ANSWER
from client.scripted_server import Script

pytestmark = pytest.mark.usefixtures("server")


def lines_of(count: int) -> bytes:
    """Return numbered lines of text."""
    return b"".join(b"line %d\n" % number for number in range(count))


def test_texts_are_shown_with_their_labels(run: Run) -> None:
    outcome = run("predict", "sentiment", "a", "bb cc")

    assert outcome.code == 0
    assert outcome.err == ""
    assert outcome.out == (
        "text    label   score\n"
        "─────────────────────\n"
        "a       bad     0.731\n"
        "bb cc   bad     0.731\n"
        "sentiment@1\n"
    )


def test_more_labels_stand_below_the_first(run: Run) -> None:
    outcome = run("predict", "sentiment", "a", "--top-k", "2")

    assert [line.split() for line in outcome.out.splitlines()[2:4]] == [
        ["a", "bad", "0.731"],
        ["good", "0.269"],
    ]


def test_long_and_strange_texts_take_one_printable_line(run: Run) -> None:
    outcome = run("predict", "sentiment", "red \x1b[31m\n" + "word " * 40)

    [line] = [line for line in outcome.out.splitlines() if line.startswith("red")]
    assert line.startswith("red \\x1b[31m word word")
    assert "…" in line
    assert "\x1b" not in outcome.out


def test_markup_in_a_text_is_text(run: Run) -> None:
    assert "[bold]x[/bold] :smile:" in run("predict", "sentiment", "[bold]x[/bold] :smile:").out


def test_json_is_one_document_of_the_wire(run: Run) -> None:
    outcome = run("predict", "sentiment", "a", "é", "--json")

    answer = json.loads(outcome.out)
    assert [each["label"] for each in answer["predictions"]] == ["bad", "bad"]
    assert "scores" not in answer["predictions"][0]
    assert answer["task"] == "sentiment"
    assert answer["usage"] == {"rows": 2, "tokens": 6, "truncated": 0}
    assert outcome.out.count("\n") == 1


def test_pairs_are_taken_two_by_two(run: Run, server: Running) -> None:
    run("predict", "sentiment", "--pair", "a", "b", "c", "d")

    [(rows, _)] = server.engine.encoded
    assert [(row.text, row.text_pair) for row in rows] == [("a", "b"), ("c", "d")]


def test_a_file_is_read_in_batches_and_answered_in_order(
    run: Run, server: Running, tmp_path: Path
) -> None:
    (tmp_path / "in.txt").write_bytes(lines_of(150))

    outcome = run("predict", "sentiment", "--file", tmp_path / "in.txt", "--json")

    assert [len(rows) for rows, _ in server.engine.encoded] == [64, 64, 22]
    texts = [row.text for rows, _ in server.engine.encoded for row in rows]
    assert texts == lines_of(150).decode().splitlines()
    answer = json.loads(outcome.out)
    assert (len(answer["predictions"]), answer["usage"]["rows"]) == (150, 150)


def test_all_batches_run_through_the_version_of_the_first(run: Run, script: Script) -> None:
    sixty_four = ANSWER | {"predictions": [{"label": "good", "score": 0.5}] * 64}
    script.answer(JSONResponse(sixty_four), JSONResponse(ANSWER))

    outcome = run("predict", "sentiment", "--url", script.url, stdin=lines_of(65))

    assert outcome.code == 0
    assert [seen.path for seen in script.seen] == ["/predict/sentiment", "/predict/sentiment@3"]


def test_json_lines_come_out_one_a_row(run: Run, server: Running, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('"a"\n\n{"text": "b", "text_pair": "c", "label": "good"}\n')

    outcome = run("predict", "sentiment", "--file", path, "--jsonl")

    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert [(row["task"], row["version"], row["prediction"]["label"]) for row in rows] == [
        ("sentiment", 1, "bad"),
        ("sentiment", 1, "bad"),
    ]
    assert [(row.text, row.text_pair) for row in server.engine.encoded[0][0]] == [
        ("a", None),
        ("b", "c"),
    ]


def test_standard_input_is_read_where_no_text_is_given(run: Run, server: Running) -> None:
    run("predict", "sentiment", stdin=b"\xef\xbb\xbfone\r\n\r\nthree")

    [(rows, _)] = server.engine.encoded
    assert [row.text for row in rows] == ["one", "", "three"]


def test_a_dash_is_standard_input_in_the_given_format(run: Run, server: Running) -> None:
    run("predict", "sentiment", "-f", "-", "--format", "jsonl", stdin=b'{"text": "a"}')

    assert server.engine.encoded[0][0][0].text == "a"


def test_tabs_part_the_pairs_of_a_text_file(run: Run, server: Running) -> None:
    run("predict", "sentiment", "--pair", stdin=b"a\tb\tc\n")

    assert server.engine.encoded[0][0][0].text_pair == "b\tc"


def test_texts_that_were_cut_are_counted(run: Run) -> None:
    assert (
        "sentiment@1, 1 cut to the task's length" in run("predict", "sentiment", "word " * 50).out
    )


def test_a_deadline_reaches_the_server(run: Run, server: Running) -> None:
    run("predict", "sentiment", "a", "--timeout-ms", "750")

    assert server.engine.submitted[0][2] == pytest.approx(0.75, abs=0.1)


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["none", "a"], b"", "no task 'none'"),
        (["sentiment@9", "a"], b"", "task 'sentiment' has no version 9"),
        (["sentiment@old", "a"], b"", "task 'sentiment' has no alias 'old'"),
        (["sentiment", "-f", "none.txt"], b"", "none.txt: no such file or directory"),
        (["sentiment", "-f", "."], b"", ".: is a directory"),
        (["sentiment"], b"", "nothing to predict: the input is empty"),
        (["sentiment"], b"ok\n\xff\n", "standard input, line 2: not UTF-8 at byte 0"),
        (
            ["sentiment", "--format", "jsonl"],
            b'"ok"\n{"text": \n',
            "standard input, line 2: not JSON at character 9: expecting value",
        ),
        (
            ["sentiment", "--format", "jsonl"],
            b"7\n",
            "standard input, line 1: neither a JSON string nor an object",
        ),
        (["sentiment", "--pair"], b"a\tb\nc\n", "standard input, line 2: no tab between two texts"),
        (
            ["sentiment", "\udcff"],
            b"",
            "the call cannot be sent as JSON: 'utf-8' codec can't encode character '\\udcff' "
            "in position 12: surrogates not allowed",
        ),
    ],
)
def test_what_cannot_be_predicted_is_one_line(
    run: Run, arguments: list[str], stdin: bytes, message: str
) -> None:
    outcome = run("predict", *arguments, stdin=stdin)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == f"multitap: error: {message}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "missing argument 'REFERENCE'"),
        (["sentiment", "a", "b", "c", "--pair"], "--pair takes texts two by two, got 3"),
        (["sentiment", "a", "--json", "--jsonl"], "--json and --jsonl exclude each other"),
        (
            ["sentiment", "a", "--tokens", "--question", "who?"],
            "--pair, --question and --tokens exclude each other",
        ),
        (
            ["sentiment", "a", "-f", "b"],
            "texts on the command line and --file exclude each other",
        ),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_two(
    run: Run, arguments: list[str], message: str
) -> None:
    outcome = run("predict", *arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == f"multitap: error: {message}\n"


def test_every_fault_of_the_input_is_listed(run: Run) -> None:
    stdin = b'{"txt": "a"}\n{"text": 7}\n'

    outcome = run("predict", "sentiment", "--format", "jsonl", stdin=stdin)

    first, *others = outcome.err.splitlines()
    assert outcome.code == 1
    assert first.startswith("multitap: error: inputs.0.")
    assert len(others) >= 3
    assert all(line.startswith("  inputs.") for line in others)


def test_an_error_in_a_later_batch_says_how_far_it_got(run: Run) -> None:
    stdin = b'"ok"\n' * 64 + b'{"text": 7}\n'

    outcome = run("predict", "sentiment", "--format", "jsonl", "--jsonl", stdin=stdin)

    assert outcome.code == 1
    assert outcome.err.startswith("multitap: error: after 64 inputs: inputs.0.text: ")
    assert len(outcome.out.splitlines()) == 64


def test_a_server_that_loses_inputs_is_noticed(run: Run, script: Script) -> None:
    script.answer(JSONResponse(ANSWER))

    outcome = run("predict", "sentiment", "a", "b", "--url", script.url)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "multitap: error: 2 inputs have 1 predictions in the answer\n"
