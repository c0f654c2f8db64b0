"""`multitap serve` in a process of its own, on a free port."""

import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = "import sys; from multitap.command import main; sys.exit(main())"


@dataclass(frozen=True)
class Served:
    """A server: where it listens, and its process."""

    url: str
    process_id: int


@contextmanager
def serving(registry: Path, backbone: Path | str) -> Generator[str]:
    """Serve a registry on a free port; give the URL."""
    with serving_process(registry, backbone) as served:
        yield served.url


@contextmanager
def serving_process(registry: Path, backbone: Path | str) -> Generator[Served]:
    """Serve a registry on a free port; give the server."""
    command = [
        *(sys.executable, "-c", PROGRAM, "serve", "--port", "0", "--threads", "1"),
        *("--registry", str(registry), "--backbone", str(backbone)),
    ]
    with subprocess.Popen(  # noqa: S603  our own program
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := re.search(r"multitap serves at (http://127\.0\.0\.1:\d+)", line):
                    yield Served(found[1], process.pid)
                    break
            else:
                pytest.fail("the server ended before it was ready")
        finally:
            process.terminate()
            process.communicate()
    assert process.returncode == 0
