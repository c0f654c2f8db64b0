"""From an operator's choices to an engine that runs, and to its end."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import torch

from multitap_adapters.backbone import read_backbone

from .mixed_engine import MixedEngine
from .passing_thread import run_on_passing_thread
from .settings import EngineSettings


def build_engine(
    folder: Path, read_blob: Callable[[str], bytes], settings: EngineSettings
) -> MixedEngine:
    """Read the backbone in a folder, and build an engine on it; sets torch's threads.

    Raises:
        UnsupportedBackbone: the folder holds no backbone that can run.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    backbone = run_on_passing_thread(lambda: read_backbone(folder))
    return MixedEngine(backbone, read_blob, settings)


@asynccontextmanager
async def running(engine: MixedEngine) -> AsyncGenerator[MixedEngine]:
    """Start an engine on this event loop; drain and stop it at the end."""
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()
