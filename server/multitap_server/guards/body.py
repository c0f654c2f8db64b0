"""Bodies are bounded in size and time, by what arrives and not by what is announced.

The server below (uvicorn) bounds neither. Where an answer is sent before its request's body was
read, the rest is read and dropped for a moment before the connection closes; a connection that is
closed with unread bytes resets, and the client may never see the answer.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multitap_server.errors import BodyTooSlow, TooLarge

LINGER_S: Final = 2.0
LINGER_BYTES: Final = 64 * 2**20
# A rest of this size is already on its way; the server below drops it without help.
_SMALL_REST_BYTES: Final = 64 * 2**10


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What one body may take: bytes, seconds between two parts, seconds in all."""

    size_bytes: int
    idle_s: float
    total_s: float


class BodyMeter:
    """One request's body on its way in. `limits` may be changed until the first byte is read."""

    def __init__(self, receive: Receive, limits: BodyLimits, declared_bytes: int | None) -> None:
        self.limits = limits
        self.complete = declared_bytes == 0
        self._receive = receive
        self._declared_bytes = declared_bytes
        self._received_bytes = 0
        self._deadline: float | None = None

    async def receive(self) -> Message:
        """Return the next part of the body; after the last one, wait for the disconnect.

        Raises:
            TooLarge: more bytes were announced, or have arrived, than the limit.
            BodyTooSlow: the next part, or the whole, did not come in time.
        """
        if self.complete:
            return await self._receive()
        if self._declared_bytes is not None:
            self._require_size(self._declared_bytes)
        message = await self._next()
        if message["type"] == "http.request":
            self._received_bytes += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
            self._require_size(self._received_bytes)
        else:
            self.complete = True
        return message

    @property
    def leaves_much(self) -> bool:
        """Whether so much is unread that the connection cannot be kept for the next request."""
        rest = self._declared_bytes
        return not self.complete and (rest is None or rest > _SMALL_REST_BYTES)

    async def drain(self) -> None:
        """Drop what still arrives, for a moment."""
        dropped = 0
        try:
            async with asyncio.timeout(LINGER_S):
                while not self.complete and dropped < LINGER_BYTES:
                    message = await self._receive()
                    dropped += len(message.get("body", b""))
                    self.complete = not message.get("more_body", False)
        except TimeoutError:
            return

    def _require_size(self, size_bytes: int) -> None:
        if size_bytes > self.limits.size_bytes:
            raise TooLarge("the body", self.limits.size_bytes, "bytes")

    async def _next(self) -> Message:
        now = asyncio.get_running_loop().time()
        if self._deadline is None:
            self._deadline = now + self.limits.total_s
        wait_s = min(self.limits.idle_s, self._deadline - now)
        try:
            async with asyncio.timeout(wait_s):
                return await self._receive()
        except TimeoutError as error:
            idle = wait_s == self.limits.idle_s
            raise BodyTooSlow(self.limits.idle_s if idle else self.limits.total_s) from error


class BodyGuard:
    """Puts a meter between the application and the request's body."""

    def __init__(self, app: ASGIApp, *, limits: BodyLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        meter = BodyMeter(receive, self._limits, _declared_bytes(scope))
        scope.setdefault("state", {})["body"] = meter
        closing = False

        async def lingering_send(message: Message) -> None:
            nonlocal closing
            if message["type"] == "http.response.start" and meter.leaves_much:
                closing = True
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            if not closing or message["type"] != "http.response.body" or message.get("more_body"):
                await send(message)
                return
            await send({**message, "more_body": True})
            await meter.drain()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, meter.receive, lingering_send)


def body_meter_of(scope: Scope) -> BodyMeter:
    """Return the meter of this request's body."""
    meter: BodyMeter = scope["state"]["body"]
    return meter


def _declared_bytes(scope: Scope) -> int | None:
    """Return the announced size, 0 where there is no body, None where it is not known."""
    declared: int | None = 0
    for name, value in scope["headers"]:
        if name == b"content-length":
            # The server below has checked that this is a number (RFC 9112, section 6.3).
            declared = int(value) if value.isdigit() else None
        elif name == b"transfer-encoding":
            return None
    return declared
