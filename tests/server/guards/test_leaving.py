"""A server that is going asks its clients to leave."""

from collections.abc import Sequence

from starlette.responses import PlainTextResponse
from starlette.types import Message, Scope

from multitap_server.guards.leaving import Leaving

SCOPE: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}


async def closes(leaving: Leaving) -> Sequence[bytes]:
    """Return the values of an answer's `connection` headers."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await leaving(SCOPE, receive, send)
    return [value for name, value in sent[0]["headers"] if name == b"connection"]


async def test_answers_say_nothing_before_the_server_goes() -> None:
    assert await closes(Leaving(PlainTextResponse("yes"))) == []


async def test_every_answer_is_its_connections_last_once_the_server_goes() -> None:
    leaving = Leaving(PlainTextResponse("yes"))
    leaving.started.set()

    assert await closes(leaving) == [b"close"]


async def test_what_is_no_request_passes() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: object, send: object) -> None:  # noqa: ARG001 (ASGI)
        seen.append(scope["type"])

    async def receive() -> Message:
        raise NotImplementedError

    async def send(message: Message) -> None:
        raise NotImplementedError(message)

    leaving = Leaving(app)
    leaving.started.set()
    await leaving({"type": "lifespan"}, receive, send)

    assert seen == ["lifespan"]
