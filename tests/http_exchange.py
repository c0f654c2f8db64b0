"""One request past every client library, for what they would not send."""

import asyncio
from collections.abc import Sequence
from typing import Final

from starlette.types import ASGIApp, Message, Scope

HOST = (b"host", b"127.0.0.1:8000")
JSON = (b"content-type", b"application/json")
_PAUSE: Final[Message] = {"type": "test.pause"}
CHUNKED = (b"transfer-encoding", b"chunked")


def build_scope(
    path: str, headers: Sequence[tuple[bytes, bytes]], *, method: str = "POST"
) -> Scope:
    """Return what a server on 127.0.0.1:8000 gives to an application."""
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 9),
        "headers": list(headers),
    }


async def exchange(
    app: ASGIApp,
    path: str,
    parts: Sequence[Message],
    *,
    headers: Sequence[tuple[bytes, bytes]] = (HOST, JSON, CHUNKED),
    method: str = "POST",
) -> list[Message]:
    """Give an application these messages, then silence; return what it sends, within 5 s.

    A message of type `test.pause` is a receive that gets nothing until it is cancelled.
    """
    waiting = list(parts)
    sent: list[Message] = []

    async def receive() -> Message:
        message = waiting.pop(0) if waiting else _PAUSE
        if message["type"] == "test.pause":
            await asyncio.Event().wait()
        return message

    async def send(message: Message) -> None:
        sent.append(message)

    async with asyncio.timeout(5):
        await app(build_scope(path, headers, method=method), receive, send)
    return sent
