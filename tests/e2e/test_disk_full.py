"""A server whose disk is full: clean answers, predictions all the same, and no restart after."""

import json
import sys
from pathlib import Path

import pytest

from reliability.small_disk import can_mount, run_on_small_disk

PROGRAM = Path(__file__).with_name("fill_server_disk.py")
PROBLEM = "application/problem+json"
FULL = [507, PROBLEM, "storage_full", None]


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Return a folder where a small disk can be mounted; skip where none can be."""
    if not can_mount(tmp_path):
        pytest.skip("needs the right to mount a file system in a namespace (root)")
    return tmp_path


def test_invariant_8_a_full_disk_is_507_and_then_201_without_a_restart(disk: Path) -> None:
    result = run_on_small_disk(disk, sys.executable, str(PROGRAM), str(disk))

    assert result.stderr == ""
    found = json.loads(result.stdout)
    assert [found[name] for name in ("refused", "small", "move", "opened")] == [FULL] * 4
    assert (found["live"], found["prediction"], found["staged"]) == (1, 200, [])
    assert found["published"] > 5
    assert (found["full"], found["freed"]) == ("degraded", "ready")
    assert found["again"] == [201, found["published"] + 1]
    assert found["wrong"] == []
