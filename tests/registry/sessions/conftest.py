"""Registries of each kind, whose clock the test moves."""

from collections.abc import Generator
from pathlib import Path

import pytest

from hand_clock import HandClock
from multitap_registry.contract import Registry
from multitap_registry.folder import open_registry
from multitap_registry.memory import MemoryRegistry
from multitap_registry.sessions import UploadSessions
from multitap_registry.sql import SqlRegistry
from session_uploads import LIMITS, MAX_UPLOAD_BYTES


@pytest.fixture
def clock() -> HandClock:
    """Return a clock that stands still."""
    return HandClock()


@pytest.fixture
def stored(folder: Path, clock: HandClock) -> Generator[SqlRegistry]:
    """Return the real registry, in a new folder."""
    with open_registry(
        folder, max_upload_bytes=MAX_UPLOAD_BYTES, sessions=LIMITS, clock=clock
    ) as registry:
        yield registry


@pytest.fixture(params=["memory", "folder"])
def registry(request: pytest.FixtureRequest, clock: HandClock) -> Registry:
    """Return a registry of each kind in turn."""
    if request.param == "memory":
        return MemoryRegistry(max_upload_bytes=MAX_UPLOAD_BYTES, sessions=LIMITS, clock=clock)
    stored: SqlRegistry = request.getfixturevalue("stored")
    return stored


@pytest.fixture
def sessions(registry: Registry) -> UploadSessions:
    """Return the registry's sessions."""
    return registry.sessions
