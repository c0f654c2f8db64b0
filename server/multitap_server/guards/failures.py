"""The process edge of a request: whatever is raised below becomes a problem, once.

Exceptions without a code of their own are logged with their stack under the request's id, and the
client learns nothing but that id.
"""

import logging
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multitap_server.errors import ClientGone
from multitap_server.problems import kind_of, problem_response

from .request_id import request_id_of

_LOG: Final = logging.getLogger("multitap.server")
_SERVER_FAULT: Final = 500


class Failures:
    """Answers exceptions with the problem that the one table names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except (ClientGone, ClientDisconnect):
            return
        except Exception as error:  # the edge: nothing may pass it, and every one is answered
            if started:
                raise
            log_failure(error, request_id_of(scope))
            await problem_response(error, request_id_of(scope))(scope, receive, send)


def log_failure(error: Exception, request_id: str) -> None:
    """Log what is the server's own fault; a client's mistakes are in the access log only."""
    kind = kind_of(error)
    if kind.code == "internal":
        _LOG.error("request %s failed", request_id, exc_info=error)
    elif kind.status >= _SERVER_FAULT and kind.code != "deadline_exceeded":
        _LOG.warning("request %s: %s: %s", request_id, kind.code, error)
