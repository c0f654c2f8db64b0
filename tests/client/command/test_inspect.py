"""`multitap inspect` on files."""

import json
import subprocess
import sys
from pathlib import Path

from client.command_line import Run
from multitap_adapters.file import parse_adapter
from multitap_adapters.spec import Bottleneck, Card, LayerNorms, Metric, TrainingData
from sample_adapters import random_file, sample_spec


def described_file(path: Path) -> Path:
    """Write a file with modules and a full card."""
    card = Card(
        task="spam",
        description="finds\x1b[31m spam",
        languages=("en", "fr"),
        licence="Apache-2.0",
        data=(TrainingData(name="sms", rows=100, licence="CC BY 4.0", source="a collection"),),
        metrics=(Metric(name="f1", value=0.91234, split="test", rows=20),),
        seed=3,
        settings={"epochs": 4},
        extra={"note": "measured twice"},
    )
    modules = (Bottleneck(size=4, activation="relu"), LayerNorms())
    spec = sample_spec().model_copy(update={"modules": modules, "card": card})
    path.write_bytes(random_file(spec))
    return path


def test_a_file_is_shown_whole(run: Run, tmp_path: Path) -> None:
    path = described_file(tmp_path / "a")

    outcome = run("inspect", path)

    rows = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert (outcome.code, outcome.err) == (0, "")
    assert f"digest {parse_adapter(path.read_bytes()).digest}" in rows
    assert "backbone bert, 2 layers of 8" in rows
    assert "head classification, cls → 2" in rows
    assert "labels 2: no, yes" in rows
    assert "0 bottleneck size 4, activation relu" in rows
    assert "1 layer_norm as usual" in rows
    assert "f1 0.9123 test 20" in rows
    assert "data sms, 100 rows; CC BY 4.0; a collection" in rows
    assert "settings epochs 4" in rows
    assert "note measured twice" in rows


def test_control_characters_of_a_card_do_not_reach_the_terminal(run: Run, tmp_path: Path) -> None:
    outcome = run("inspect", described_file(tmp_path / "a"))

    assert "finds\\x1b[31m spam" in outcome.out
    assert "\x1b" not in outcome.out


def test_json_is_one_document(run: Run, tmp_path: Path) -> None:
    path = described_file(tmp_path / "a")

    shown = json.loads(run("inspect", path, "--json").out)

    assert shown["size_bytes"] == path.stat().st_size
    assert shown["digest"].startswith("sha256:")
    assert shown["spec"]["head"]["labels"] == ["no", "yes"]


def test_a_head_alone_has_no_table_of_modules(run: Run, adapter: Path) -> None:
    assert "module" not in run("inspect", adapter).out


def test_every_fault_of_a_bad_file_is_listed(run: Run, adapter: Path) -> None:
    adapter.write_bytes(adapter.read_bytes().replace(b'"F32"', b'"F99"'))

    outcome = run("inspect", adapter)

    first, *others = outcome.err.splitlines()
    assert (outcome.code, outcome.out) == (1, "")
    assert first == f"multitap: error: {adapter} is no adapter: 2 faults"
    assert len(others) == 2


def test_one_fault_is_one_fault(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")

    outcome = run("inspect", tmp_path / "a")

    assert outcome.err == (
        f"multitap: error: {tmp_path / 'a'} is no adapter: 1 fault\n"
        "  file: 0 bytes, too short for the 8-byte header length\n"
    )


def test_a_missing_file_is_one_line(run: Run) -> None:
    outcome = run("inspect", "none.safetensors")

    assert outcome.code == 1
    assert outcome.err == "multitap: error: none.safetensors: no such file or directory\n"


def test_without_numpy_it_names_the_extra_to_install(adapter: Path) -> None:
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "from multitap.command import main; sys.exit(main(['inspect', sys.argv[1]]))"
    )
    command = [sys.executable, "-c", code, str(adapter)]

    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603

    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == (
        'multitap: error: numpy is not installed; get it with: pip install "multitap[server]"\n'
    )
