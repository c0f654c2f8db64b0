"""From settings to an engine that runs, and its end whatever happens inside."""

from pathlib import Path

import pytest
import torch

from engine_parts import Blobs, rows, soon
from multitap_adapters.errors import UnsupportedBackbone
from multitap_server.engine.errors import EngineStopped
from multitap_server.engine.opening import build_engine, running
from multitap_server.engine.settings import EngineSettings


def test_a_built_engine_names_its_backbone(tiny_folder: Path, blobs: Blobs) -> None:
    engine = build_engine(tiny_folder, blobs.read, EngineSettings(threads=1))

    assert engine.backbone.hidden_size == 32
    assert torch.get_num_threads() == 1


def test_a_folder_without_a_backbone_is_refused(tmp_path: Path, blobs: Blobs) -> None:
    with pytest.raises(UnsupportedBackbone, match=r"has no config\.json"):
        build_engine(tmp_path, blobs.read, EngineSettings(threads=1))


async def test_an_engine_is_stopped_whatever_happens_inside(
    tiny_folder: Path, blobs: Blobs
) -> None:
    engine = build_engine(tiny_folder, blobs.read, EngineSettings(threads=1))

    async def fail_inside() -> None:
        async with running(engine):
            assert await soon(engine.submit("sha256:any", [])) == []
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_inside()

    with pytest.raises(EngineStopped):
        engine.submit("sha256:any", rows([2]))
