"""How fast a registry on SQLite and a local disk is, for one client in the same process.

PYTHONPATH=tests python benchmarks/reliability/tiers.py speed
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import httpx
from sqlalchemy import insert, update

from fake_engine import FakeEngine
from multitap_adapters.spec import Bottleneck
from multitap_registry.contract import Registry
from multitap_registry.folder import DATABASE_NAME, open_registry
from multitap_registry.reference import Reference
from multitap_registry.schema import TASKS, VERSIONS
from multitap_registry.sqlite import sqlite_database
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from publishing import publish
from reliability.statements import counted_statements
from sample_adapters import random_file, sample_adapter, sample_spec

PUBLISHES = 300
VERSIONS_LISTED = 100_000
PAGE = 100
LISTINGS = 50
RESOLVES = 100_000
PREDICTIONS = 200
# With the sample backbone's hidden size of 8 and two layers this makes a file of 1 MB.
_BOTTLENECK = 3_670


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what was measured, and the figure."""
    yield from _publishes(folder / "publishes")
    many = folder / "many"
    _fill(many)
    with open_registry(many) as registry:
        yield from _listings(registry)
        yield _resolving(registry)
        yield from asyncio.run(_over_http(registry))


def _publishes(folder: Path) -> Iterator[tuple[str, str]]:
    spec = sample_spec().model_copy(update={"modules": (Bottleneck(size=_BOTTLENECK),)})
    taken_s: list[float] = []
    size_bytes = 0
    with open_registry(folder) as registry:
        for seed in range(PUBLISHES):
            content = random_file(spec, seed)
            size_bytes = len(content)
            began_s = time.perf_counter()
            publish(registry, "spam", content)
            taken_s.append(time.perf_counter() - began_s)
    what = f"{PUBLISHES} publishes of {size_bytes / 1e6:.2f} MB"
    yield what, f"{PUBLISHES / sum(taken_s):.0f} a second, {_spread(taken_s)}"


def _listings(registry: Registry) -> Iterator[tuple[str, str]]:
    places = {"first": None, "middle": VERSIONS_LISTED // 2, "last": PAGE + 1}
    for name, after in places.items():
        cursor = None if after is None else str(after)
        taken_s = _time(partial(_page, registry, cursor), LISTINGS)
        yield f"listing {PAGE} of {VERSIONS_LISTED} versions, {name} page", _spread(taken_s)


def _page(registry: Registry, cursor: str | None) -> None:
    found = len(registry.versions("spam", limit=PAGE, after=cursor).records)
    if found != PAGE:
        raise ValueError(f"a page has {found} versions, expected {PAGE}")


def _resolving(registry: Registry) -> tuple[str, str]:
    reference = Reference("spam")
    began_s = time.perf_counter()
    for _ in range(RESOLVES):
        registry.resolve(reference)
    each_us = (time.perf_counter() - began_s) / RESOLVES * 1e6
    return "resolving an alias", f"{each_us:.2f} us"


async def _over_http(registry: Registry) -> Sequence[tuple[str, str]]:
    app = create_app(ServerConfig(), registry, FakeEngine())
    transport = httpx.ASGITransport(app)
    taken_s: list[float] = []
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
    ):
        for _ in range(LISTINGS):
            began_s = time.perf_counter()
            answer = await client.get("/tasks/spam/versions", params={"limit": PAGE})
            taken_s.append(time.perf_counter() - began_s)
            answer.raise_for_status()
        with counted_statements() as statements:
            for _ in range(PREDICTIONS):
                answer = await client.post("/predict/spam", json={"inputs": "a b"})
                answer.raise_for_status()
    return (
        ("the first page as a server's JSON", _spread(taken_s)),
        (f"statements of {PREDICTIONS} predictions of a server", str(len(statements))),
    )


def _fill(folder: Path) -> None:
    """Make a registry whose one task has very many versions; rows only, but for the first file."""
    with open_registry(folder) as registry:
        record = publish(registry, "spam", sample_adapter()).record
    database = sqlite_database(folder / DATABASE_NAME)
    with database.transaction() as connection:
        template = connection.execute(VERSIONS.select()).mappings().one()
        connection.execute(
            insert(VERSIONS),
            [
                {**template, "version": number, "digest": f"sha256:{number:064x}"}
                for number in range(2, VERSIONS_LISTED + 1)
            ],
        )
        connection.execute(update(TASKS).values(next_version=VERSIONS_LISTED + 1))
    database.close()
    if record.version != 1:
        raise ValueError(f"the first version has number {record.version}")


def _time(call: Callable[[], None], times: int) -> Sequence[float]:
    taken_s: list[float] = []
    for _ in range(times):
        began_s = time.perf_counter()
        call()
        taken_s.append(time.perf_counter() - began_s)
    return taken_s


def _spread(taken_s: Sequence[float]) -> str:
    cuts = statistics.quantiles(taken_s, n=100, method="inclusive")
    return f"p50 {cuts[49] * 1000:.2f} ms, p99 {cuts[98] * 1000:.2f} ms"
