"""What every test shares: torch on one thread, no deadlines, and a tiny random backbone.

torch and transformers are imported by the fixtures that need them, so that tests of the client
and the registry start fast.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from multitap_adapters.backbone import Backbone


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
    from tiny_backbone import tiny_backbone_folder  # noqa: PLC0415

    return tiny_backbone_folder(tmp_path_factory.mktemp("tiny") / "backbone")


@pytest.fixture(scope="session")
def tiny_backbone(tiny_folder: Path) -> "Backbone":
    """Return that backbone in memory, for inference."""
    from multitap_adapters.backbone import read_backbone  # noqa: PLC0415

    return read_backbone(tiny_folder)
