"""The whole job with real processes: train, serve, push, predict, and 64 texts of four tasks."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from multitap import AsyncClient, Client
from multitap.predictions import ClassificationPrediction
from multitap.wire import RowAnswer
from served import PROGRAM, serving

TEXTS = {"good": ("a joy", "the best day", "so good"), "bad": ("a bore", "the worst day", "so bad")}
TASKS = ("mood", "tone", "taste", "style")


def run_command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Path:
    """Return an adapter that `multitap train` made of a labelled file."""
    folder = tmp_path_factory.mktemp("training")
    rows = [
        json.dumps({"text": f"{text} {extra}", "label": label})
        for label, texts in TEXTS.items()
        for text in texts
        for extra in ("film", "book", "song", "play", "game")
    ]
    (folder / "train.jsonl").write_text("\n".join(rows))
    result = run_command(
        *("train", "--task", "mood", "--train", folder / "train.jsonl"),
        *("--out", folder / "mood.safetensors", "--backbone", tiny_folder, "--epochs", "2"),
    )
    assert result.returncode == 0, result.stderr
    return folder / "mood.safetensors"


def test_a_trained_adapter_is_pushed_and_answers_after_a_restart(
    trained: Path, tmp_path: Path, tiny_folder: Path
) -> None:
    with serving(tmp_path / "registry", tiny_folder) as url, Client(url) as client:
        version = client.push("mood", trained).record
        first = client.predict("mood", ["a joy", "a bore"])
    with serving(tmp_path / "registry", tiny_folder) as url, Client(url) as client:
        second = client.predict("mood@1", ["a joy", "a bore"])

    assert first.digest == second.digest == version.digest
    assert first.predictions == second.predictions
    assert {prediction.label for prediction in first.typed(ClassificationPrediction)} <= {
        "good",
        "bad",
    }


async def test_64_mixed_texts_are_answered_in_flight_and_in_one_forward_pass_of_one_call(
    trained: Path, tmp_path: Path, tiny_folder: Path
) -> None:
    """How many passes texts in flight take depends on how fast they come: see the engine's test."""
    wanted = [(TASKS[n % 4], f"text {n}") for n in range(64)]
    with serving(tmp_path / "registry", tiny_folder) as url:
        async with AsyncClient(url) as client:
            for task in TASKS:
                await client.push(task, trained)
                await client.predict(task, "warm")
            singles = await asyncio.gather(*(client.predict(*each) for each in wanted))
            before = await forward_passes(url)
            mixed = await client.predict_rows(wanted)
            passes = await forward_passes(url) - before

    assert [answer.task for answer in singles] == [task for task, _ in wanted]
    assert passes == 1
    for single, row in zip(singles, mixed.results, strict=True):
        assert isinstance(row, RowAnswer)
        (alone,) = single.typed(ClassificationPrediction)
        together = row.typed(ClassificationPrediction)
        assert (row.task, together.label) == (single.task, alone.label)
        assert together.score == pytest.approx(alone.score, abs=1e-5)


async def forward_passes(url: str) -> int:
    """Return the server's count of forward passes."""
    import httpx  # noqa: PLC0415  the metrics are not the client's business

    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{url}/metrics")).text
    found = re.search(r"^multitap_forward_passes_total (\S+)$", text, re.MULTILINE)
    assert found is not None
    return int(float(found[1]))
