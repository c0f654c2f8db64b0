"""From a configuration to an engine that runs, its registry filled on the first start."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from multitap_adapters.model_folder import find_model_folder
from multitap_registry.contract import Registry

from .config import ServerConfig
from .engine.contract import Engine
from .engine.opening import build_engine, running
from .engine.settings import EngineSettings
from .starter import publish_starter_tasks


@asynccontextmanager
async def open_engine(config: ServerConfig, registry: Registry) -> AsyncGenerator[Engine]:
    """Read the backbone, start an engine on it, and publish the starter tasks if none exist.

    Raises:
        UnsupportedBackbone: the configured backbone is not there, or cannot be run.
        RegistryError: the starter tasks could not be published.
    """
    folder = await asyncio.to_thread(find_model_folder, config.backbone)
    settings = EngineSettings(
        threads=config.threads,
        batch_tokens=config.batch_tokens,
        queued_tokens=config.queued_tokens,
        adapter_bytes=config.adapter_bytes,
    )
    engine = await asyncio.to_thread(build_engine, folder, registry.read_blob, settings)
    async with running(engine):
        if config.starter:
            await asyncio.to_thread(publish_starter_tasks, registry, engine)
        yield engine
