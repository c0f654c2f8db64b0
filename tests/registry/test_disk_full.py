"""A disk that is full: a clear refusal, no half versions, and no restart once there is space."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("fill_disk.py")
SIZE_BYTES = 2 * 1024 * 1024
MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'


def run_on_small_disk(disk: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command that sees a small tmpfs at `disk`, in a mount namespace of its own."""
    return subprocess.run(  # noqa: S603 - tools of the system and a script of ours
        ["unshare", "-m", "sh", "-c", MOUNT, "sh", str(SIZE_BYTES), str(disk), *command],  # noqa: S607
        check=False,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(PROGRAM.parent.parent), "OMP_NUM_THREADS": "1"},
        text=True,
    )


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Return a folder where a small disk can be mounted; skip where none can be."""
    if shutil.which("unshare") is None or run_on_small_disk(tmp_path, "true").returncode != 0:
        pytest.skip("needs the right to mount a file system in a namespace (root)")
    return tmp_path


def test_full_disk_refuses_and_recovers_without_a_restart(disk: Path) -> None:
    result = run_on_small_disk(disk, sys.executable, str(PROGRAM), str(disk / "registry"))

    assert result.stderr == ""
    found = json.loads(result.stdout)
    assert found["errors"] == ["StorageFull"] * 3
    assert found["move"] == "StorageFull"
    assert found["staged"] == []
    assert found["full"] > 10
    assert found["after"] == found["full"] + 1
    assert found["whole"] == list(range(found["after"], 0, -1))
