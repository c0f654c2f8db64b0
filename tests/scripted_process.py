"""A script of the tests in a process of its own, driven over its standard input and output."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

TESTS: Final = Path(__file__).parent


@contextmanager
def running_script(
    *place: str, quiet: bool = False
) -> Generator[tuple[IO[str], IO[str]], None, None]:
    """Start the script at a place below the tests; give its input and output, and kill it.

    A quiet one's standard error is dropped.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(TESTS), *sys.path)),
        "OMP_NUM_THREADS": "1",
    }
    with subprocess.Popen(  # noqa: S603 - this interpreter and a script of ours
        [sys.executable, str(TESTS.joinpath(*place))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        env=environment,
        text=True,
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both were asked for")
        try:
            yield process.stdin, process.stdout
        finally:
            process.kill()
