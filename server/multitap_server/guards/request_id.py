"""Every request has an id, the client's if it is sane, and every response returns it."""

import re
import secrets
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = b"x-request-id"
_SANE: Final = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")


class RequestId:
    """Puts the id into the scope's state, and on the response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _given(scope) or secrets.token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id
        header = (HEADER, request_id.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        await self._app(scope, receive, send_with_id)


def request_id_of(scope: Scope) -> str:
    """Return the id that this request was given."""
    request_id: str = scope["state"]["request_id"]
    return request_id


def _given(scope: Scope) -> str | None:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    given = [value for name, value in headers if name == HEADER]
    if len(given) != 1 or not _SANE.fullmatch(given[0]):
        return None
    return given[0].decode()
