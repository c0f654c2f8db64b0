"""A registry of each kind, a clock that ticks once per look, and an object store."""

import os
import secrets
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from blob_places import SetVariables
from multitap_registry.clock import Clock
from multitap_registry.contract import Registry
from multitap_registry.folder import open_registry
from multitap_registry.memory import MemoryRegistry
from multitap_registry.sql import SqlRegistry
from object_servers import ObjectServer, running_moto
from postgres_server import PostgresServer
from publisher_process import PublisherProcess, running_publisher

MAX_UPLOAD_BYTES = 64 * 1024


@pytest.fixture
def clock() -> Clock:
    """Return a clock that says a second more each time."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    seconds = count()
    return lambda: start + timedelta(seconds=next(seconds))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where a registry may be made."""
    return tmp_path / "registry"


@pytest.fixture
def stored(folder: Path, clock: Clock) -> Generator[SqlRegistry, None, None]:
    """Return the real registry, in a new folder."""
    with open_registry(folder, max_upload_bytes=MAX_UPLOAD_BYTES, clock=clock) as registry:
        yield registry


@pytest.fixture
def shared(folder: Path, database_url: str, clock: Clock) -> Generator[SqlRegistry, None, None]:
    """Return the real registry, with a PostgreSQL database of its own."""
    with open_registry(
        folder, database=database_url, max_upload_bytes=MAX_UPLOAD_BYTES, clock=clock
    ) as registry:
        yield registry


@pytest.fixture(params=["memory", "folder", "postgres"])
def registry(request: pytest.FixtureRequest, clock: Clock) -> Registry:
    """Return a registry of each kind in turn: all keep the same contract."""
    if request.param == "memory":
        return MemoryRegistry(max_upload_bytes=MAX_UPLOAD_BYTES, clock=clock)
    name = {"folder": "stored", "postgres": "shared"}[request.param]
    opened: SqlRegistry = request.getfixturevalue(name)
    return opened


@pytest.fixture
def new_database_url(postgres: PostgresServer) -> Generator[str, None, None]:
    """Return the URL of a database without tables."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture(scope="module")
def publisher() -> Generator[PublisherProcess, None, None]:
    """Return the program that publishes in processes of its own."""
    with running_publisher() as process:
        yield process


@pytest.fixture(scope="session")
def moto() -> Generator[ObjectServer]:
    """Return a server that has the semantics of S3, and takes every key."""
    with running_moto() as server:
        yield server


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> SetVariables:
    """Return a function that makes variables the only ones of AWS in the environment."""

    def set_variables(variables: dict[str, str]) -> None:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_variables


@pytest.fixture
def prefix() -> str:
    """Return a prefix that no other test uses."""
    return f"test/{secrets.token_hex(4)}"
