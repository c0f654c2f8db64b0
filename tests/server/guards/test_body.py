"""Bodies are bounded by what arrives, whatever was announced."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from fake_engine import FakeEngine
from http_exchange import CHUNKED, HOST, JSON, build_scope, exchange
from multitap_registry.memory import MemoryRegistry
from multitap_server.app import create_app
from multitap_server.config import ServerConfig
from multitap_server.errors import BodyTooSlow, TooLarge
from multitap_server.guards.body import BodyGuard, BodyLimits, BodyMeter

LIMITS = BodyLimits(size_bytes=100, idle_s=60, total_s=60)


def length(size_bytes: int) -> tuple[bytes, bytes]:
    return (b"content-length", str(size_bytes).encode())


def part(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def code(sent: Sequence[Message]) -> str:
    found: str = json.loads(b"".join(message.get("body", b"") for message in sent))["code"]
    return found


def closes(sent: Sequence[Message]) -> bool:
    return (b"connection", b"close") in sent[0]["headers"]


async def test_an_announced_body_that_is_too_large_is_refused_unread(app: FastAPI) -> None:
    headers = [HOST, JSON, length(4_097)]
    sent = await exchange(app, "/predict/mood", [part(b"", more=False)], headers=headers)

    assert (sent[0]["status"], code(sent)) == (413, "too_large")


async def test_a_body_without_a_length_is_counted(app: FastAPI) -> None:
    parts = [part(b"x" * 4_000), part(b"x" * 97), part(b"", more=False)]
    sent = await exchange(app, "/predict/mood", parts, headers=[HOST, JSON, CHUNKED])

    assert (sent[0]["status"], code(sent)) == (413, "too_large")


async def test_a_length_that_lies_does_not_help(app: FastAPI) -> None:
    parts = [part(b"x" * 4_097), part(b"", more=False)]
    sent = await exchange(app, "/predict/mood", parts, headers=[HOST, JSON, length(10)])

    assert (sent[0]["status"], code(sent)) == (413, "too_large")


async def test_a_body_of_exactly_the_limit_is_read(app: FastAPI) -> None:
    body = b'{"inputs": "' + b"x" * 4_082 + b'"}'
    sent = await exchange(app, "/predict/mood", [part(body, more=False)])

    assert len(body) == 4_096
    assert code(sent) == "too_large"  # by its characters: the body itself was read
    assert b"characters" in sent[1]["body"]


async def test_a_body_that_stops_arriving_times_out() -> None:
    meter = BodyMeter(silence, BodyLimits(100, idle_s=0.01, total_s=60), None)

    with pytest.raises(BodyTooSlow) as caught:
        await meter.receive()
    assert caught.value.waited_s == 0.01


async def test_a_body_that_trickles_times_out_as_a_whole() -> None:
    meter = BodyMeter(trickle, BodyLimits(10**9, idle_s=60, total_s=0.05), None)

    async def read_all() -> None:
        while True:
            await meter.receive()

    with pytest.raises(BodyTooSlow) as caught:
        await read_all()
    assert caught.value.waited_s == 0.05


async def test_nothing_times_out_once_the_body_is_whole() -> None:
    messages = [part(b"x", more=False), {"type": "http.disconnect"}]

    async def receive() -> Message:
        await asyncio.sleep(0)
        return messages.pop(0)

    meter = BodyMeter(receive, BodyLimits(100, idle_s=5, total_s=5), None)
    await meter.receive()
    meter.limits = BodyLimits(100, idle_s=-1, total_s=-1)

    assert (await meter.receive())["type"] == "http.disconnect"


async def test_a_slow_body_is_a_request_timeout(
    config: ServerConfig, registry: MemoryRegistry, engine: FakeEngine
) -> None:
    app = create_app(config.model_copy(update={"body_idle_s": 0.01}), registry, engine)
    parts = [part(b"{"), {"type": "test.pause"}, {"type": "http.disconnect"}]
    sent = await exchange(app, "/predict/mood", parts)

    assert (sent[0]["status"], code(sent)) == (408, "request_timeout")


async def test_limits_can_be_raised_before_the_body_is_read() -> None:
    async def receive() -> Message:
        return part(b"x" * 200, more=False)

    meter = BodyMeter(receive, LIMITS, 200)
    with pytest.raises(TooLarge):
        await meter.receive()
    meter.limits = BodyLimits(200, idle_s=60, total_s=60)

    assert len((await meter.receive())["body"]) == 200


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without reading the body."""
    del scope, receive
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"no"})


async def test_an_unread_body_is_drained_before_the_connection_closes() -> None:
    parts = [part(b"x" * 50_000), part(b"x" * 50_000, more=False)]
    guard = BodyGuard(refuse, limits=LIMITS)
    received: list[Message] = []

    async def receive() -> Message:
        received.append(parts[len(received)])
        return received[-1]

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await guard(build_scope("/", [HOST, length(100_000)]), receive, send)

    assert closes(sent)
    assert [message.get("more_body") for message in sent[1:]] == [True, False]
    assert received == parts


@pytest.mark.parametrize("headers", [[HOST], [HOST, length(0)], [HOST, length(200)]])
async def test_a_connection_is_kept_where_little_or_nothing_is_unread(
    headers: list[tuple[bytes, bytes]],
) -> None:
    sent = await exchange(BodyGuard(refuse, limits=LIMITS), "/", [], headers=headers)

    assert not closes(sent)
    assert len(sent) == 2


async def test_draining_ends_where_the_client_goes() -> None:
    parts: list[Message] = [part(b"x"), {"type": "http.disconnect"}]
    guard = BodyGuard(refuse, limits=LIMITS)
    sent = await exchange(guard, "/", parts, headers=[HOST, CHUNKED])

    assert closes(sent)


async def silence() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def trickle() -> Message:
    await asyncio.sleep(0.001)
    return part(b"x")
