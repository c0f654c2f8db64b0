"""Fixtures of the client's tests."""

import socket
from collections.abc import Iterator

import pytest

from client.command_line import Running
from client.scripted_server import Script, serve_app, served
from fake_engine import FakeEngine
from multitap_registry.memory import MemoryRegistry
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from publishing import publish
from sample_adapters import sample_adapter


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


@pytest.fixture
def real_server() -> Iterator[Running]:
    """The real service on a registry in memory and a fake engine, with the task `sentiment`."""
    registry, engine = MemoryRegistry(), FakeEngine()
    publish(registry, "sentiment", sample_adapter(labels=["bad", "good"]))
    listening = socket.create_server(("127.0.0.1", 0))
    config = ServerConfig(port=listening.getsockname()[1])
    with serve_app(create_app(config, registry, engine), listening) as url:
        yield Running(url, registry, engine)
