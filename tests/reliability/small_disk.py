"""Programs that see a small disk: a tmpfs in a mount namespace of their own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SIZE_BYTES = 2 * 1024 * 1024
_MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'
_TESTS = Path(__file__).parent.parent


def run_on_small_disk(
    disk: Path, *command: str, size_bytes: int = SIZE_BYTES
) -> subprocess.CompletedProcess[str]:
    """Run a command that sees a small tmpfs at `disk`."""
    mounting = ["sh", "-c", _MOUNT, "sh", str(size_bytes), str(disk)]
    return subprocess.run(  # noqa: S603 - tools of the system and scripts of ours
        ["unshare", "-m", *mounting, *command],  # noqa: S607 - wherever it is installed
        check=False,
        capture_output=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(_TESTS), *sys.path)),
            "OMP_NUM_THREADS": "1",
        },
        text=True,
    )


def can_mount(folder: Path) -> bool:
    """Return whether this user may mount a file system in a namespace."""
    return shutil.which("unshare") is not None and run_on_small_disk(folder, "true").returncode == 0
