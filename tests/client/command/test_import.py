"""`multitap import`: a folder of another library becomes a file, or one line says why not."""

import json
import os
import pickle
from pathlib import Path

import pytest

from client.command_line import Run
from library_folders import HEAD, LORA, write_hub, write_peft
from multitap_adapters.file import parse_adapter, read_adapter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the `adapters` library with a head."""
    return write_hub(tmp_path / "sst", head=HEAD)


def test_a_folder_becomes_a_file_and_is_described(
    run: Run, folder: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.safetensors"

    outcome = run("import", folder, "--backbone", tiny_folder, "--out", out)

    assert (outcome.code, outcome.err) == (0, "")
    file = read_adapter(out)
    shown = {
        line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1]
        for line in outcome.out.split("\n")
        if line
    }
    assert shown["digest"] == file.digest
    assert shown["modules"] == "bottleneck"
    assert shown["labels"] == "no, yes"
    assert shown["task"] == "task"


def test_json_is_one_document(run: Run, folder: Path, tiny_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"

    made = json.loads(run("import", folder, "--backbone", tiny_folder, "--out", out, "--json").out)

    file = read_adapter(out)
    assert (made["file"], made["digest"]) == (str(out), file.digest)
    assert (made["size_bytes"], made["spec"]["head"]["labels"]) == (file.size_bytes, ["no", "yes"])


def test_options_reach_the_importer(run: Run, tiny_folder: Path, tmp_path: Path) -> None:
    task, language = write_peft(tmp_path / "task"), write_hub(tmp_path / "de")
    out = tmp_path / "out.safetensors"
    choices = ["--labels", '"yes, sir",no,maybe', "--multilabel", "--name", "films"]

    outcome = run(
        "import", "--stack", language, task, "--backbone", tiny_folder, "--out", out, *choices
    )

    spec = read_adapter(out).spec
    assert (outcome.code, outcome.err) == (0, "")
    assert [module.method for module in spec.modules] == ["bottleneck", "lora"]
    assert (spec.head.kind, spec.head.labels) == ("multilabel", ("yes, sir", "no", "maybe"))
    assert spec.card.task == "films"


def test_a_head_is_picked_or_left_out(
    run: Run, folder: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.safetensors"
    given = ["import", folder, "--backbone", tiny_folder, "--out", out]

    first = run(*given, "--head", "task")
    second = run(*given, "--no-head", "--overwrite")

    assert (first.code, second.code) == (0, 0)
    assert read_adapter(out).spec.head.kind == "embedding"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--labels", "a,b,c"], "got 3 labels, but the head has 2 outputs"),
        (["--labels", "a,,c"], "--labels 'a,,c' has an empty label"),
        (["--head", "other"], "{folder} has no head 'other'; it has: 'task'"),
        (["--name", "Bad Name"], "the adapter cannot be expressed: task"),
        (["--stack", "nowhere"], "nowhere is no folder"),
        (["--backbone", "no/such folder"], "'no/such folder' is no folder, and no model on the"),
        (["--out", "no/where/a"], "no/where is no folder"),
    ],
)
def test_what_goes_wrong_is_one_line_and_writes_nothing(
    run: Run, folder: Path, tiny_folder: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    out = tmp_path / "out.safetensors"

    outcome = run("import", folder, "--backbone", tiny_folder, "--out", out, *options)

    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert outcome.err.startswith(f"multitap: error: {message.format(folder=folder)}")
    assert [path.name for path in tmp_path.iterdir()] == ["sst"]


def test_an_existing_file_is_kept_unless_told_otherwise(
    run: Run, folder: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.safetensors"
    out.write_bytes(b"precious")

    outcome = run("import", folder, "--backbone", tiny_folder, "--out", out)

    assert (outcome.code, out.read_bytes()) == (1, b"precious")
    assert outcome.err == f"multitap: error: {out} exists; replace it with --overwrite\n"


class Attack:
    """An object that runs a command where it is unpickled."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[object, ...]:
        """Return what a pickle calls."""
        return getattr(os, "system"), (self._command,)  # noqa: B009  (deprecated, and what attacks use)


def spoil(folder: Path, how: str) -> None:
    """Make a folder bad in one way."""
    weights, config = folder / "adapter.safetensors", folder / "adapter_config.json"
    match how:
        case "truncated":
            weights.write_bytes(weights.read_bytes()[:-100])
        case "pickle":
            weights.unlink()
            attack = pickle.dumps(Attack(f"touch {folder / 'ran'}"))
            (folder / "pytorch_adapter.bin").write_bytes(attack)
        case "huge size":
            text = config.read_text().replace('"reduction_factor": 8', '"reduction_factor": 1e-9')
            config.write_text(text)
        case "huge config":
            with config.open("ab") as file:
                file.truncate(50_000_000)
        case _:
            config.write_text(config.read_text().replace('"name": "task"', '"name": "../../x"'))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("truncated", "is no safetensors file"),
        ("pickle", "is no file of plain tensors"),
        ("huge size", "reduction_factor in config"),
        ("huge config", "is larger than 1048576 bytes"),
        ("name", "has name '../../x', which no adapter can have"),
    ],
)
def test_bad_input_is_one_line_runs_nothing_and_writes_nothing(
    run: Run, folder: Path, tiny_folder: Path, tmp_path: Path, how: str, message: str
) -> None:
    spoil(folder, how)
    out = tmp_path / "out.safetensors"

    outcome = run("import", folder, "--backbone", tiny_folder, "--out", out)

    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert message in outcome.err
    assert not (folder / "ran").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["sst"]


def test_a_folder_of_peft_without_labels_says_how_many_to_give(
    run: Run, tiny_folder: Path, tmp_path: Path
) -> None:
    outcome = run(
        "import",
        write_peft(tmp_path / "a", LORA),
        "--backbone",
        tiny_folder,
        "--out",
        tmp_path / "out.safetensors",
    )

    assert outcome.err == (
        "multitap: error: the folder does not name its 3 labels: give 3 of them, in order\n"
    )


def test_a_file_that_was_imported_is_exported_again(
    run: Run, folder: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    run("import", folder, "--backbone", tiny_folder, "--out", first)

    outcome = run("export", first, tmp_path / "back", "--to", "adapterhub", "--name", "task")
    run("import", tmp_path / "back", "--backbone", tiny_folder, "--out", second)

    assert (outcome.code, outcome.out) == (0, f"wrote {tmp_path / 'back'}\n")
    assert parse_adapter(first.read_bytes()).spec.modules == read_adapter(second).spec.modules
    assert dict(read_adapter(first).tensors) == dict(read_adapter(second).tensors)


def test_what_cannot_be_exported_is_one_line_and_writes_nothing(
    run: Run, folder: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a.safetensors"
    run("import", folder, "--backbone", tiny_folder, "--out", out)

    outcome = run("export", out, "--to", "peft", tmp_path / "back")

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "multitap: error: a folder of peft cannot hold bottleneck\n"
    assert not (tmp_path / "back").exists()


def test_a_file_that_is_no_adapter_is_not_exported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"nope")

    outcome = run("export", tmp_path / "a", tmp_path / "back", "--to", "peft")

    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert f"{tmp_path / 'a'} is no adapter: file: 4 bytes" in outcome.err
