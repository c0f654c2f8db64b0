"""Loopback is not a licence: only the server's own Host, and no foreign Origin.

A web page can make a browser send requests to 127.0.0.1 (cross-site posts), and can make its own
name resolve to it (DNS rebinding); the first shows in Origin, the second in Host.
"""

from functools import lru_cache
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from multitap_server.errors import Forbidden

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
_HTTP_PORT: Final = 80


class OriginGuard:
    """Refuses requests whose Host or Origin is not this server's loopback name and port.

    Raises: Forbidden.
    """

    def __init__(self, app: ASGIApp, *, port: int) -> None:
        self._app = app
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            self._check(scope)
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        hosts: list[bytes] = []
        origins: list[bytes] = []
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value)
            elif name == b"origin":
                origins.append(value)
        own = _own_hosts(self._port_of(scope))
        if len(hosts) != 1 or hosts[0].lower() not in own:
            raise Forbidden("Host", _shown(hosts))
        for origin in origins:
            scheme, _, host = origin.partition(b"://")
            if scheme != b"http" or host not in own:
                raise Forbidden("Origin", _shown(origins))

    def _port_of(self, scope: Scope) -> int:
        """Return the socket's own port, which is right also where a free one was taken."""
        server: tuple[str, int | None] | None = scope.get("server")
        return self._port if server is None or server[1] is None else server[1]


@lru_cache(maxsize=16)
def _own_hosts(port: int) -> frozenset[bytes]:
    hosts = {f"{name}:{port}".encode() for name in LOOPBACK_NAMES}
    if port == _HTTP_PORT:
        hosts |= {name.encode() for name in LOOPBACK_NAMES}
    return frozenset(hosts)


def _shown(values: list[bytes]) -> str | None:
    return ", ".join(value.decode("latin-1") for value in values) if values else None
