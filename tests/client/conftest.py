"""Fixtures of the client's tests."""

import socket
from collections.abc import Iterator

import pytest

from client.scripted_server import Script, served


@pytest.fixture
def script() -> Iterator[Script]:
    """A server that answers what the test tells it to."""
    script = Script()
    with served(script.app()) as script.url:
        yield script


@pytest.fixture
def closed_port() -> str:
    """The URL of a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"
