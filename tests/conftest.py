"""What tests share: torch on one thread, no deadlines, a tiny random backbone, a PostgreSQL server.

torch, transformers and what speaks to databases are imported by the fixtures that need them, so
that tests of the client and of other parts start fast.
"""

import os
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from multitap_adapters.backbone import Backbone
    from postgres_server import PostgresServer


def pytest_configure() -> None:
    """Give torch one thread before anything imports it, and hypothesis all the time it needs.

    One thread gives sums one order; a slow machine is no fault of an example.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    settings.register_profile("multitap", deadline=None)
    settings.load_profile("multitap")


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny random backbone: hidden 32, 2 layers, 64 positions. Read only."""
    from tiny_backbone import tiny_backbone_folder  # noqa: PLC0415 (not every test needs it)

    return tiny_backbone_folder(tmp_path_factory.mktemp("tiny") / "backbone")


@pytest.fixture(scope="session")
def tiny_backbone(tiny_folder: Path) -> "Backbone":
    """Return that backbone in memory, for inference."""
    from multitap_adapters.backbone import read_backbone  # noqa: PLC0415 (not every test needs it)

    return read_backbone(tiny_folder)


@pytest.fixture(scope="session")
def postgres() -> "Generator[PostgresServer, None, None]":
    """Return a running server; tests that stop it start it again.

    Everything that needs it is skipped where its programs are not installed.
    """
    from postgres_server import find_binaries, running_server  # noqa: PLC0415 (not every test needs it)

    binaries = find_binaries()
    if binaries is None:
        pytest.skip("needs PostgreSQL's server programs (Debian's package postgresql)")
    with running_server(binaries) as server:
        yield server


@pytest.fixture(scope="session")
def prepared_url(postgres: "PostgresServer") -> str:
    """Return the URL of a database with a registry's tables, which tests take in turn."""
    from database_urls import changing  # noqa: PLC0415 (not every test needs it)
    from multitap_registry.migrating import prepare_schema  # noqa: PLC0415 (not every test needs it)

    url = postgres.create_database()
    with changing(url) as connection:
        prepare_schema(connection, place="x", at=datetime(2026, 1, 1, tzinfo=UTC))
    return url


@pytest.fixture
def database_url(prepared_url: str) -> str:
    """Return the URL of a database with empty tables."""
    from database_urls import changing, empty_tables  # noqa: PLC0415 (not every test needs it)

    with changing(prepared_url) as connection:
        empty_tables(connection)
    return prepared_url
