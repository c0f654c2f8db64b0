"""A program that starts publishers, for tests that kill them: ``python publisher.py``.

A line on its input, ``MODE SEED FOLDER``, starts a child that opens the registry in FOLDER and
publishes; the child says what was acknowledged, and the parent when the child is gone. The parent
has everything imported, so that a child starts at once.
"""

import os
import sys
from itertools import count
from pathlib import Path

from multitap_registry.errors import RegistryError
from multitap_registry.folder import open_registry
from publishing import publish
from sample_adapters import sample_adapter


def say(*words: object) -> None:
    """Write one line at once, so that a kill never cuts it."""
    os.write(sys.stdout.fileno(), f"{' '.join(map(str, words))}\n".encode())


def publish_without_end(folder: Path, seed: int) -> None:
    """Publish to three tasks, with new and with repeated bytes, and move their aliases."""
    with open_registry(folder) as registry:
        for number in count():
            task = f"task-{number % 3}"
            content = sample_adapter(seed + number // 2)
            record = publish(registry, task, content, alias="candidate").record
            say("published", task, record.version, record.digest)
            if number % 4 == 0:
                version = 1 + (seed + number) % record.version
                registry.point(task, "live", version, by="crash-test", reason="moved")
                say("moved", task, version)


def publish_twice(folder: Path, seed: int) -> None:
    """Open the registry, wait for a word, publish, and try again with a new upload."""
    content = sample_adapter(seed)
    with open_registry(folder) as registry:
        say("open")
        os.read(sys.stdin.fileno(), 100)
        for _ in range(2):
            try:
                published = publish(registry, "spam", content, alias="candidate")
            except RegistryError as error:
                say("refused", type(error).__name__)
            else:
                say("published", published.record.version)


MODES = {"without-end": publish_without_end, "twice": publish_twice}


def main() -> None:
    """Start a child for each line, one after the other."""
    for line in sys.stdin:
        mode, seed, folder = line.rstrip("\n").split(" ", 2)
        child = os.fork()
        if child == 0:
            try:
                MODES[mode](Path(folder), int(seed))
            finally:
                os._exit(0)
        say("child", child)
        os.waitpid(child, 0)
        say("gone")


if __name__ == "__main__":
    main()
