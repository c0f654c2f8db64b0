"""A server that is going asks its clients to leave: `Connection: close` on every answer.

A connection that is closed between two requests can cost the one that is on its way. One that both
sides know to end with an answer costs none (RFC 9112, section 9.6).
"""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CLOSE: Final = (b"connection", b"close")


class Leaving:
    """Marks answers as their connection's last, from the moment that `started` is set.

    Requests find the event in their scope, so that those which wait for something can stop.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.started: Final = asyncio.Event()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        scope.setdefault("state", {})["leaving"] = self.started

        async def send_last(message: Message) -> None:
            if self.started.is_set() and message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), _CLOSE]}
            await send(message)

        await self._app(scope, receive, send_last)


def leaving_of(scope: Scope) -> asyncio.Event | None:
    """Return what is set once the server is going; None under a server that does not say so."""
    event: asyncio.Event | None = scope["state"].get("leaving")
    return event
