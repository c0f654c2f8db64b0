"""One line in the access log and one count in the metrics for every request."""

import logging
import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .guards.request_id import request_id_of
from .metrics import Metrics

_LOG: Final = logging.getLogger("multitap.access")
CLIENT_GONE: Final = 499  # nginx's number for a client that closed before it was answered
UNMATCHED: Final = "unmatched"


class Observation:
    """Counts and logs requests by method, route template and status."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = time.perf_counter()
        status = CLIENT_GONE

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        finally:
            elapsed_s = time.perf_counter() - started_s
            route = _template(scope)
            method: str = scope["method"]
            self._metrics.observe_request(method, route, status, elapsed_s)
            request_id = request_id_of(scope)
            _LOG.info(
                "%s %s %d %.1f ms %s", method[:20], route, status, elapsed_s * 1e3, request_id
            )


def _template(scope: Scope) -> str:
    """Return the route's path with its parameters unfilled: bounded, and free of content."""
    path: str = getattr(scope.get("route"), "path", UNMATCHED)
    return path
