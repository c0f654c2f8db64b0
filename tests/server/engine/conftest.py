"""An event loop that runs nothing, for parts that only carry futures, and the real engine."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from importlib.util import find_spec

import pytest

from engine_parts import Blobs, plain_adapter, submission
from multitap_adapters.adapter import Adapter
from multitap_adapters.backbone import Backbone, read_backbone
from multitap_adapters.embedded import PACKAGE, embedded_folder
from multitap_adapters.file import parse_adapter
from multitap_adapters.spec import Module
from multitap_server.engine.mixed_engine import MixedEngine
from multitap_server.engine.opening import running
from multitap_server.engine.settings import EngineSettings
from multitap_server.engine.submission import Submission
from random_adapters import random_adapter_bytes, random_spec

Submit = Callable[..., Submission]
Publish = Callable[..., str]


@pytest.fixture
def idle_loop() -> Generator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def make(idle_loop: asyncio.AbstractEventLoop) -> Submit:
    """Return what makes a submission with a row of every given length."""
    return lambda *lengths: submission(idle_loop, *lengths)


@pytest.fixture
def adapter() -> Adapter:
    return plain_adapter()


@pytest.fixture
def blobs() -> Generator[Blobs]:
    blobs = Blobs()
    yield blobs
    for gate in blobs.gates.values():
        gate.set()


@pytest.fixture
def publish(blobs: Blobs, tiny_backbone: Backbone) -> Publish:
    """Return what stores a random adapter for the tiny backbone, and names its digest."""

    def publish(seed: int = 0, *, modules: tuple[Module, ...] = (), labels: int = 2) -> str:
        spec = random_spec(
            tiny_backbone.identity,
            modules=modules,
            labels=[f"label-{index}" for index in range(labels)],
        )
        content = random_adapter_bytes(spec, seed)
        return blobs.add(parse_adapter(content), content)

    return publish


@pytest.fixture
async def engine(tiny_backbone: Backbone, blobs: Blobs) -> AsyncGenerator[MixedEngine]:
    """Yield the real engine on the tiny backbone, running."""
    settings = EngineSettings(batch_tokens=256, queued_tokens=4_096, drain_s=5.0)
    async with running(MixedEngine(tiny_backbone, blobs.read, settings)) as engine:
        yield engine
        for gate in blobs.gates.values():
            gate.set()


@pytest.fixture(scope="session")
def embedded_backbone() -> Backbone:
    """Return the embedded backbone; skips where its package is not installed."""
    if find_spec(PACKAGE) is None:
        pytest.skip(f"{PACKAGE} is not installed")
    return read_backbone(embedded_folder())
