"""Long polls over real sockets: woken at once, and never in the way of a stop."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from fake_engine import FakeEngine
from multitap_registry.memory import MemoryRegistry
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from multitap_server.http_server import HttpServer
from problem_reading import read_code
from publishing import publish
from sample_adapters import sample_adapter

LONG = "/events?wait_s=60"


class CountingRegistry(MemoryRegistry):
    """Tells how often the newest event was looked for, and so when somebody begins to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.looked = asyncio.Semaphore(0)

    def last_event(self) -> int:
        """Count the look."""
        self.looked.release()
        return super().last_event()

    async def until_waited_for(self) -> None:
        """Return once a call has looked, and looked again before it waits."""
        for _ in range(2):
            await self.looked.acquire()


@asynccontextmanager
async def running(app: FastAPI, config: ServerConfig) -> AsyncGenerator[HttpServer]:
    ready = asyncio.Event()
    server = HttpServer(config, app, lambda _: ready.set())
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(30):
            await ready.wait()
        yield server
    finally:
        server.should_exit = True
        async with asyncio.timeout(30):
            await task


@asynccontextmanager
async def serving(registry: MemoryRegistry, **settings: float) -> AsyncGenerator[HttpServer]:
    config = ServerConfig.model_validate({"port": 0, "drain_s": 20, **settings})
    async with running(create_app(config, registry, FakeEngine()), config) as server:
        yield server


async def test_a_change_wakes_who_waits() -> None:
    registry = CountingRegistry()
    async with serving(registry) as server, httpx.AsyncClient(base_url=server.url) as client:
        waiting = asyncio.create_task(client.get(LONG))
        await registry.until_waited_for()
        await asyncio.to_thread(publish, registry, "mood", sample_adapter())
        async with asyncio.timeout(5):
            page = (await waiting).json()

    assert [event["seq"] for event in page["events"]] == [1, 2]


async def test_a_stop_answers_who_waits_at_once() -> None:
    registry = CountingRegistry()
    async with httpx.AsyncClient() as client, serving(registry) as server:
        waiting = asyncio.create_task(client.get(f"{server.url}{LONG}"))
        await registry.until_waited_for()
        async with asyncio.timeout(10):
            server.should_exit = True
            response = await waiting

    assert (response.status_code, response.json()["events"]) == (200, [])
    assert response.headers["connection"] == "close"


async def test_a_client_that_went_away_waits_no_more() -> None:
    registry = CountingRegistry()
    async with (
        serving(registry, event_waiters=1) as server,
        httpx.AsyncClient(base_url=server.url) as other,
    ):
        async with httpx.AsyncClient(base_url=server.url) as client:
            waiting = asyncio.create_task(client.get(LONG))
            await registry.until_waited_for()
            refused = await other.get(LONG)
            waiting.cancel()
            await asyncio.wait({waiting})
        async with asyncio.timeout(10):
            while (await other.get("/events?wait_s=0.01")).status_code != 200:
                pass

    assert read_code(refused) == (429, "overloaded")
    assert int(refused.headers["retry-after"]) >= 1
