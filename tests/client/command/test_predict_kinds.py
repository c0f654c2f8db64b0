"""`multitap predict` for tasks of every kind: what is sent, and what is shown."""

import json

import pytest
from starlette.responses import JSONResponse

from client.command_line import Run
from client.documents import ANSWER
from client.scripted_server import Script

SPAN = {"answer": "in Paris", "score": 0.75, "start": 7, "end": 15}
NOTHING = {"answer": "", "score": 0.25, "start": 0, "end": 0}
ENTITY = {"label": "LOC", "score": 0.5, "text": "New\nYork", "start": 3, "end": 11}


@pytest.mark.parametrize(
    ("kind", "prediction", "lines"),
    [
        (
            "multilabel",
            {"labels": [{"label": "joy", "score": 0.9}, {"label": "fear", "score": 0.6}]},
            ["text   label   score", "a      joy     0.900", "       fear    0.600"],
        ),
        ("multilabel", {"labels": []}, ["text   label   score", "a      -"]),
        ("regression", {"value": -3.14159}, ["text    value", "a      -3.142"]),
        (
            "tagging",
            {"entities": [ENTITY, ENTITY | {"start": 20, "end": 28}]},
            [
                "text   entity     label   score   place",
                "a      New York   LOC     0.500    3-11",
                "       New York   LOC     0.500   20-28",
            ],
        ),
        ("tagging", {"entities": []}, ["text   entity   label   score   place", "a      -"]),
        (
            "question_answering",
            SPAN,
            ["text   answer     score   place", "a      in Paris   0.750    7-15"],
        ),
        (
            "question_answering",
            {**SPAN, "answers": [SPAN, NOTHING]},
            [
                "text   answer     score   place",
                "a      in Paris   0.750    7-15",
                "       -          0.250",
            ],
        ),
        (
            "embedding",
            {"embedding": [0.5] * 7},
            ["text   size   embedding", "a         7   0.500, 0.500, 0.500, 0.500, 0.500, …"],
        ),
        (
            "embedding",
            {"embedding": [1, -1]},
            ["text   size   embedding", "a         2   1.000, -1.000"],
        ),
    ],
)
def test_every_kind_has_its_own_columns(
    run: Run, script: Script, kind: str, prediction: dict[str, object], lines: list[str]
) -> None:
    script.answer(JSONResponse(ANSWER | {"kind": kind, "predictions": [prediction]}))

    outcome = run("predict", "sentiment", "a", "--url", script.url)

    head, _, *rows, last = outcome.out.splitlines()
    assert [head, *rows] == lines
    assert last == "sentiment@3"


@pytest.mark.parametrize(
    ("arguments", "stdin", "inputs"),
    [
        (
            ["--question", "who?", "he", "she"],
            b"",
            [{"question": "who?", "context": c} for c in ("he", "she")],
        ),
        (["--tokens", "New  York\tis big"], b"", [{"tokens": ["New", "York", "is", "big"]}]),
        (["--question", "who?"], b"he\n", [{"question": "who?", "context": "he"}]),
        (["--tokens"], b"a b\n", [{"tokens": ["a", "b"]}]),
        (
            ["--format", "jsonl"],
            b'{"id": "7", "question": "who?", "context": "he", "answers": {"text": []}}\n'
            b'{"tokens": ["a", "b"], "labels": ["O", "O"]}\n',
            [{"question": "who?", "context": "he"}, {"tokens": ["a", "b"]}],
        ),
        (["--format", "jsonl", "--tokens"], b'"a b"\n', [{"tokens": ["a", "b"]}]),
    ],
)
def test_questions_and_tokens_are_sent_as_such(
    run: Run, script: Script, arguments: list[str], stdin: bytes, inputs: list[object]
) -> None:
    predictions = [{"label": "x", "score": 1.0}] * len(inputs)
    script.answer(JSONResponse(ANSWER | {"predictions": predictions}))

    outcome = run("predict", "sentiment", *arguments, "--url", script.url, stdin=stdin)

    assert outcome.code == 0
    assert json.loads(script.seen[0].body) == {"inputs": inputs}


def test_every_parameter_is_sent(run: Run, script: Script) -> None:
    script.answer(JSONResponse(ANSWER))
    arguments = "--threshold 0.25 --aggregation token --max-answer-tokens 7 --no-normalize"

    run("predict", "sentiment", "a", *arguments.split(), "--url", script.url)

    assert json.loads(script.seen[0].body)["parameters"] == {
        "threshold": 0.25,
        "aggregation": "token",
        "max_answer_tokens": 7,
        "normalize": False,
    }


def test_json_keeps_the_fields_of_the_kind(run: Run, script: Script) -> None:
    script.answer(JSONResponse(ANSWER | {"kind": "question_answering", "predictions": [SPAN]}))

    outcome = run("predict", "sentiment", "a", "--json", "--url", script.url)

    assert json.loads(outcome.out)["predictions"] == [SPAN]
