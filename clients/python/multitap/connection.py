"""What both clients agree on: addresses, timeouts, headers, and names for httpx's own errors."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

import httpx

from . import __version__
from .errors import ConnectionFailed, InvalidUrl, RequestTimedOut, ServerError

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_TIMEOUT_S = 70.0  # a server's own deadline is 60 s unless it is told otherwise
CONNECT_TIMEOUT_S = 5.0
USER_AGENT = f"multitap/{__version__}"

_WAITS: Mapping[type[httpx.RequestError], str] = {
    httpx.ConnectTimeout: "connecting",
    httpx.ReadTimeout: "reading",
    httpx.WriteTimeout: "writing",
    httpx.PoolTimeout: "waiting for a free connection",
}


@dataclass(frozen=True, slots=True)
class Address:
    """A checked base URL; requests to this machine itself never go through a proxy."""

    url: str
    is_loopback: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a base URL, which may have a path. Raises: InvalidUrl."""
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL as error:
            raise InvalidUrl(f"{text!r} is no URL: {str(error).lower()}") from error
        if url.scheme not in ("http", "https") or not url.host:
            raise InvalidUrl(f"{text!r} is no http or https URL with a host")
        return cls(text, _is_loopback(url.host))


def timeouts(timeout_s: float) -> httpx.Timeout:
    """Return httpx's four timeouts: short to connect, `timeout_s` for each read and write."""
    return httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))


@contextmanager
def named_errors(url: str) -> Generator[None]:
    """Raise this package's errors in place of httpx's.

    Raises:
        RequestTimedOut, ConnectionFailed, ServerError: see `multitap.errors`.
    """
    try:
        yield
    except httpx.TimeoutException as error:
        raise RequestTimedOut(f"no answer from {url} in time ({_name(error)})") from error
    except httpx.ConnectError as error:
        raise ConnectionFailed(f"cannot connect to {url}: {_reason(error)}", sent=False) from error
    except httpx.TransportError as error:
        raise ConnectionFailed(f"the connection to {url} broke: {_reason(error)}") from error
    except httpx.RequestError as error:
        raise ServerError(f"the answer of {url} cannot be read: {_reason(error)}") from error


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _reason(error: httpx.RequestError) -> str:
    return " ".join(str(error).split()) or _name(error)


def _name(error: httpx.RequestError) -> str:
    return _WAITS.get(type(error), type(error).__name__)
