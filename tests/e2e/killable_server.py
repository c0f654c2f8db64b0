"""A program that starts servers to be killed: `python killable_server.py`, driven over its pipes.

Everything is imported once; every line of standard input, a registry's folder, forks a child that
serves it with an engine in memory and says `child <pid>` and `ready <url>`. The line `gone`
follows once that child has been killed.
"""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from fake_engine import FakeEngine
from multitap_registry.contract import Registry
from multitap_server.config import ServerConfig
from multitap_server.engine.contract import Engine
from multitap_server.serving import serve


@asynccontextmanager
async def open_engine(_config: ServerConfig, _registry: Registry) -> AsyncGenerator[Engine]:
    """Give an engine that needs no backbone."""
    yield FakeEngine()


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Start a child for every line, one at a time."""
    for line in sys.stdin:
        # Clients may come through a proxy, and name its port.
        config = ServerConfig(port=0, registry=Path(line.strip()), allowed_hosts=("127.0.0.1",))
        child = os.fork()
        if child == 0:
            say(f"child {os.getpid()}")
            serve(config, open_engine, on_ready=lambda url: say(f"ready {url}"))
            os._exit(0)
        os.waitpid(child, 0)
        say("gone")


if __name__ == "__main__":
    main()
