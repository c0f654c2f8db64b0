"""The command in a process of its own, for signals, pipes and terminals."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

# A shell that runs tests in the background has them ignore Ctrl-C, and so would their children.
PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from multitap.command import main; sys.exit(main())"
)


@contextmanager
def started(
    *arguments: str | Path,
    url: str = "",
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int = subprocess.PIPE,
) -> Generator[subprocess.Popen[bytes]]:
    """Start a command line; it is killed at the end if it still runs."""
    environment = {name: value for name, value in os.environ.items() if name != "MULTITAP_URL"}
    if url:
        environment["MULTITAP_URL"] = url
    command = [sys.executable, "-c", PROGRAM, *(str(argument) for argument in arguments)]
    with subprocess.Popen(  # noqa: S603 (our own program)
        command, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(descriptor: int, text: bytes) -> bytes:
    """Read from a descriptor until a text has come; return all that came."""
    seen = b""
    while text not in seen:
        chunk = os.read(descriptor, 65_536)
        if not chunk:
            raise EOFError(seen)
        seen += chunk
    return seen
