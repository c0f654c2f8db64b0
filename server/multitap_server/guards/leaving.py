"""A server that is going asks its clients to leave: `Connection: close` on every answer.

A connection that is closed between two requests can cost the one that is on its way. One that both
sides know to end with an answer costs none (RFC 9112, section 9.6).
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CLOSE: Final = (b"connection", b"close")


class Leaving:
    """Marks answers as their connection's last, from the moment that `started` is set."""

    def __init__(self, app: ASGIApp) -> None:
        self.started = False
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_last(message: Message) -> None:
            if self.started and message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), _CLOSE]}
            await send(message)

        await self._app(scope, receive, send_last)
