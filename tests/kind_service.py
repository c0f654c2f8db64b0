"""A service with one random task of every kind, on a real engine and a tiny backbone."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from every_kind import HEADS
from multitap_adapters.backbone import Backbone
from multitap_adapters.spec import Head
from multitap_registry.memory import MemoryRegistry
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from multitap_server.engine.mixed_engine import MixedEngine
from multitap_server.engine.opening import running
from multitap_server.engine.settings import EngineSettings
from publishing import publish
from random_adapters import houlsby, random_adapter_bytes, random_spec

MAX_TOKENS = 24


@dataclass(frozen=True)
class KindService:
    """A client of the service, and its registry."""

    client: httpx.AsyncClient
    registry: MemoryRegistry
    backbone: Backbone

    def publish(
        self, task: str, head: Head, *, max_tokens: int = MAX_TOKENS, seed: int = 0
    ) -> None:
        """Publish a Houlsby adapter with this head and random weights."""
        identity = self.backbone.identity
        spec = random_spec(identity, modules=houlsby(4), head=head, max_tokens=max_tokens)
        publish(self.registry, task, random_adapter_bytes(spec, seed))

    async def post(self, path: str, body: object) -> httpx.Response:
        """Post JSON."""
        return await self.client.post(path, json=body)

    async def answer(self, task: str, inputs: object, **parameters: object) -> dict[str, Any]:
        """Return the whole answer of a task."""
        body = {"inputs": inputs, "parameters": parameters}
        response = await self.post(f"/predict/{task}", body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def predict(self, task: str, value: object, **parameters: object) -> dict[str, Any]:
        """Return the prediction for one input."""
        [prediction] = (await self.answer(task, value, **parameters))["predictions"]
        found: dict[str, Any] = prediction
        return found


@asynccontextmanager
async def kind_service(
    backbone: Backbone, config: ServerConfig | None = None, *, batch_tokens: int = 4_096
) -> AsyncGenerator[KindService]:
    """Serve a task of every kind, named after it."""
    registry = MemoryRegistry()
    engine = MixedEngine(backbone, registry.read_blob, EngineSettings(batch_tokens=batch_tokens))
    app = create_app(config or ServerConfig(), registry, engine)
    async with (
        running(engine),
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000"
        ) as client,
    ):
        service = KindService(client, registry, backbone)
        for seed, (kind, head) in enumerate(HEADS.items()):
            service.publish(kind.replace("_", "-"), head, seed=seed)
        yield service
