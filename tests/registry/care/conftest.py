"""A registry that went through every kind of change, closed again; and ones opened twice."""

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from blob_places import SetVariables
from multitap_registry.folder import RegistryParts, open_parts, open_registry
from object_servers import BUCKET, ObjectServer
from opened_twice import Pair, opened_twice
from publishing import publish
from sample_adapters import sample_adapter


@pytest.fixture(scope="session")
def lived_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make that registry; tests change copies."""
    folder = tmp_path_factory.mktemp("lived") / "registry"
    with open_registry(folder) as registry:
        for seed in range(4):
            publish(registry, "spam", sample_adapter(seed))
        registry.point("spam", "live", 3, by="ann", expected=1, reason="better")
        registry.point("spam", "next", 4, by="ann")
        registry.rollback("spam", "live", by="ann", reason="worse")
        registry.delete_alias("spam", "next", by="ann")
        registry.point("spam", "next", 4, by="ann")
        registry.delete_version("spam", 2, by="ann", reason="leaked")
        registry.tag("spam", 3, by="ann", add=["golden"])
        registry.reject("spam", by="mallory", reason="NaN")
        publish(registry, "ham", sample_adapter(1))
        registry.delete_task("ham", by="ann", force=True)
        publish(registry, "ham", sample_adapter(0))
        publish(registry, "spam", sample_adapter(3))
    return folder


@pytest.fixture
def lived(lived_once: Path, tmp_path: Path) -> Path:
    """Return a folder with the tasks `spam` (1, 3 and 4 ready, live at 1) and `ham` (2 ready)."""
    return Path(shutil.copytree(lived_once, tmp_path / "registry"))


@pytest.fixture
def parts(lived: Path) -> Generator[RegistryParts]:
    """Return what that registry is made of; look at it after it was damaged."""
    with open_parts(lived) as parts:
        yield parts


@pytest.fixture
def in_a_folder(tmp_path: Path) -> Generator[Pair]:
    """SQLite and a folder of blobs."""
    with opened_twice(tmp_path / "registry") as pair:
        yield pair


@pytest.fixture
def shared_store(
    tmp_path: Path, database_url: str, moto: ObjectServer, aws: SetVariables, prefix: str
) -> Generator[Pair]:
    """PostgreSQL and an object store."""
    aws(moto.environment)
    with opened_twice(tmp_path / "registry", database_url, f"s3://{BUCKET}/{prefix}") as pair:
        yield pair
