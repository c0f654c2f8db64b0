"""A disk that is full: a clear refusal, no half versions, and no restart once there is space."""

import json
import sys
from pathlib import Path

import pytest

from reliability.small_disk import can_mount, run_on_small_disk

PROGRAM = Path(__file__).with_name("fill_disk.py")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Return a folder where a small disk can be mounted; skip where none can be."""
    if not can_mount(tmp_path):
        pytest.skip("needs the right to mount a file system in a namespace (root)")
    return tmp_path


def test_invariant_8_a_full_disk_refuses_and_recovers_without_a_restart(
    disk: Path,
) -> None:
    result = run_on_small_disk(disk, sys.executable, str(PROGRAM), str(disk / "registry"))

    assert result.stderr == ""
    found = json.loads(result.stdout)
    assert found["errors"] == ["StorageFull"] * 3
    assert found["move"] == "StorageFull"
    assert found["staged"] == []
    assert found["full"] > 10
    assert found["after"] == found["full"] + 1
    assert found["whole"] == list(range(found["after"], 0, -1))
