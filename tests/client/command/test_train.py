"""`multitap train` on a tiny backbone."""

import json
import os
import re
import signal
from dataclasses import fields
from pathlib import Path

import pytest

from client.command_line import Run
from client.processes import read_until, started
from multitap_adapters.file import read_adapter
from multitap_training import TrainingSettings

Arguments = list[str | Path]

ROWS = [("good fine film", "good"), ("bad awful film", "bad")] * 30


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A labelled file that a tiny backbone can learn."""
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps({"text": text, "label": label}) for text, label in ROWS]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def arguments(tiny_folder: Path, rows: Path, tmp_path: Path) -> Arguments:
    """What trains a small adapter into `out.safetensors`."""
    out = tmp_path / "out.safetensors"
    places: Arguments = ["--train", rows, "--out", out, "--backbone", tiny_folder]
    return ["train", "--task", "film", *places, "--size", "4", "--epochs", "2", "--threads", "1"]


def test_a_run_writes_a_file_and_says_how_good_it_is(
    run: Run, arguments: Arguments, rows: Path, tmp_path: Path
) -> None:
    card = ["--description", "films", "--licence", "MIT", "--language", "en", "--language", "fr"]

    outcome = run(*arguments, *card, "--data-name", "reviews", "--source", "here", "--test", rows)

    assert (outcome.code, outcome.err) == (0, "")
    adapter = read_adapter(tmp_path / "out.safetensors")
    assert adapter.spec.card.task == "film"
    assert adapter.spec.card.languages == ("en", "fr")
    assert adapter.spec.card.data[0].name == "reviews"
    shown = [line.split() for line in outcome.out.splitlines()]
    assert ["digest", adapter.digest] in shown
    assert [row[2:] for row in shown if row[:1] == ["accuracy"]] == [
        ["validation", "6"],
        ["test", "60"],
    ]
    assert shown[-1] == [
        "publish",
        "it",
        "multitap",
        "push",
        "film",
        str(tmp_path / "out.safetensors"),
    ]


def test_json_is_one_document(run: Run, arguments: Arguments, tmp_path: Path) -> None:
    made = json.loads(run(*arguments, "--json").out)

    adapter = read_adapter(tmp_path / "out.safetensors")
    assert (made["digest"], made["size_bytes"]) == (adapter.digest, adapter.size_bytes)
    assert made["interrupted"] is False
    assert made["spec"]["card"]["settings"]["size"] == 4


def test_settings_reach_the_trainer(run: Run, arguments: Arguments, tmp_path: Path) -> None:
    chosen = ["--no-layer-norms", "--pooling", "cls", "--dtype", "fp32", "--max-tokens", "9"]
    more = ["--seed", "5", "--batch-size", "8", "--learning-rate", "0.01", "--dropout", "0"]
    rest = [
        "--hidden-dropout",
        "0.1",
        "--warmup",
        "0.2",
        "--weight-decay",
        "0",
        "--positive-label",
        "good",
    ]

    run(*arguments, *chosen, *more, *rest)

    spec = read_adapter(tmp_path / "out.safetensors").spec
    assert [module.method for module in spec.modules] == ["bottleneck"]
    assert (spec.head.input, spec.max_tokens, spec.card.seed) == ("cls", 9, 5)
    settings = spec.card.settings
    assert (settings["batch_size"], settings["learning_rate"], settings["dtype"]) == (
        8,
        0.01,
        "fp32",
    )
    assert (settings["dropout"], settings["warmup"], settings["weight_decay"]) == (0.0, 0.2, 0.0)
    assert settings["hidden_dropout"] == 0.1
    assert "f1 of good" in [metric.name for metric in spec.card.metrics]


def test_method_none_trains_the_head_alone(run: Run, arguments: Arguments, tmp_path: Path) -> None:
    run(*arguments, "--method", "none", "--no-layer-norms")

    assert read_adapter(tmp_path / "out.safetensors").spec.modules == ()


def test_ctrl_c_keeps_the_best_so_far_and_the_bar_shows_where_it_stands(
    arguments: Arguments, tmp_path: Path
) -> None:
    terminal, stderr = os.openpty()
    with started(*arguments, "--epochs", "1000", stderr=stderr) as process:
        os.close(stderr)
        bar = read_until(terminal, b"best accuracy")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate()
    os.close(terminal)

    assert process.returncode == 130
    assert b"step" in bar
    assert b"tokens/s" in bar
    first, *_ = out.decode().splitlines()
    assert re.fullmatch(r"interrupted: kept epoch \d+, the best so far", first)
    assert read_adapter(tmp_path / "out.safetensors").spec.card.task == "film"


def test_an_existing_file_is_kept_unless_told_otherwise(
    run: Run, arguments: Arguments, tmp_path: Path
) -> None:
    out = tmp_path / "out.safetensors"
    out.write_bytes(b"precious")

    outcome = run(*arguments)

    assert (outcome.code, out.read_bytes()) == (1, b"precious")
    assert outcome.err == f"multitap: error: {out} exists; replace it with --overwrite\n"
    assert run(*arguments, "--overwrite").code == 0
    assert read_adapter(out).spec.card.task == "film"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--train", "none.jsonl"], "none.jsonl: cannot be read: "),
        (["--out", "no/where/a"], "no/where is no folder"),
        (["--out", "."], ". is a folder"),
        (["--task", "Bad Name"], "task 'Bad Name' cannot stand on a card: "),
        (["--description", "x" * 5_000], "description 'xxx"),
        (["--epochs", "0"], "epochs must be from 1 to 1000, got 0"),
        (["--positive-label", "great"], "positive_label 'great' is none of bad, good"),
        (
            ["--backbone", "no/such folder"],
            "'no/such folder' is no folder, and no model on the hub",
        ),
    ],
)
def test_what_cannot_be_trained_is_one_line_and_writes_nothing(
    run: Run, arguments: Arguments, tmp_path: Path, options: list[str], message: str
) -> None:
    outcome = run(*arguments, *options)

    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert outcome.err.startswith(f"multitap: error: {message}")
    assert not (tmp_path / "out.safetensors").exists()


def test_a_bad_row_names_its_file_and_line(run: Run, arguments: Arguments, rows: Path) -> None:
    rows.write_text('{"text": "a", "label": "b"}\n{"text": "a"}\n')

    outcome = run(*arguments)

    assert outcome.err.startswith(f"multitap: error: {rows}, line 2: ")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("name", [field.name for field in fields(TrainingSettings)])
def test_help_states_the_trainers_own_defaults(run: Run, name: str) -> None:
    default = getattr(TrainingSettings(), name)
    if name in ("layer_norms", "positive_label"):
        assert default in (True, None)
        return

    shown = " ".join(re.sub("[│\n]", " ", run("train", "--help").out).split())

    option = f"--{name.replace('_', '-')} "
    after = shown[shown.index(option) :]
    assert re.search(r"\(default: (.*?)\)", after)[1] == str(default)  # type: ignore[index]
