"""Loopback is not a licence: only the server's own Host, and no foreign Origin.

A web page can make a browser send requests to 127.0.0.1 (cross-site posts), and can make its own
name resolve to it (DNS rebinding); the first shows in Origin, the second in Host.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from multitap_server.errors import Forbidden

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
_HTTP_PORT: Final = 80
_LOOPBACK: Final = frozenset(name.encode() for name in LOOPBACK_NAMES)
_SCHEMES: Final = (b"http", b"https")


class OriginGuard:
    """Refuses requests whose Host or Origin is not this server's own.

    Own are loopback's names with the port of the socket; with any port if `published`, where the
    port that clients see is not the socket's, as that of a container. `names` are what else leads
    here, through proxies and so with any port. An Origin must be own as well, and have the port of
    Host; https is for proxies only.

    Raises: Forbidden.
    """

    def __init__(
        self, app: ASGIApp, *, port: int, published: bool = False, names: Iterable[str] = ()
    ) -> None:
        self._app = app
        self._port = port
        named = frozenset(name.encode() for name in names)
        self._any_port = named | _LOOPBACK if published else named

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
        host = hosts[0].lower() if len(hosts) == 1 else b""
        if host not in own and not self._is_named(host):
            raise Forbidden("Host", _shown(hosts))
        for origin in origins:
            scheme, _, place = origin.partition(b"://")
            if not (
                (scheme == b"http" and host in own and place in own)
                or (scheme in _SCHEMES and self._is_named(place) and _same_port(place, host))
            ):
                raise Forbidden("Origin", _shown(origins))

    def _is_named(self, host: bytes) -> bool:
        """Return whether this is one of the names that are own with any port."""
        name, port = _split_port(host)
        return name in self._any_port and (not port or port.isdigit())

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


def _split_port(host: bytes) -> tuple[bytes, bytes]:
    """Return a host's name and its port, empty if there is none."""
    name, colon, port = host.rpartition(b":")
    return (host, b"") if not colon or host.endswith(b"]") else (name, port)


def _same_port(one: bytes, other: bytes) -> bool:
    return _split_port(one)[1] == _split_port(other)[1]


def _shown(values: list[bytes]) -> str | None:
    return ", ".join(value.decode("latin-1") for value in values) if values else None
