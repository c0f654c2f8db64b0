"""Addresses, timeouts, and names for httpx's errors."""

from collections.abc import Iterator

import httpx
import pytest

from multitap import (
    Client,
    ConnectionFailed,
    InvalidUrl,
    MultitapError,
    RequestTimedOut,
    Retries,
    ServerError,
)
from multitap.connection import Address, named_errors, timeouts

URL = "http://127.0.0.1:8000"


def leaves(error: type[httpx.RequestError]) -> Iterator[type[httpx.RequestError]]:
    """Yield every class below one that has none below itself."""
    below = error.__subclasses__()
    if not below:
        yield error
    for each in below:
        yield from leaves(each)


@pytest.mark.parametrize("kind", list(leaves(httpx.RequestError)))
def test_every_error_of_httpx_gets_a_name_of_ours(kind: type[httpx.RequestError]) -> None:
    with pytest.raises(MultitapError) as caught, named_errors(URL):
        raise kind("some\nreason")

    timed_out = issubclass(kind, httpx.TimeoutException)
    assert isinstance(caught.value, RequestTimedOut) is timed_out
    assert "\n" not in caught.value.detail
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (
            httpx.ConnectError("refused"),
            ConnectionFailed,
            f"cannot connect to {URL}: refused",
        ),
        (httpx.ReadError(""), ConnectionFailed, f"the connection to {URL} broke: ReadError"),
        (httpx.ReadTimeout(""), RequestTimedOut, f"no answer from {URL} in time (reading)"),
        (httpx.ConnectTimeout(""), RequestTimedOut, f"no answer from {URL} in time (connecting)"),
        (
            httpx.DecodingError("bad gzip"),
            ServerError,
            f"the answer of {URL} cannot be read: bad gzip",
        ),
    ],
)
def test_errors_say_what_happened_in_one_line(
    error: httpx.RequestError, expected: type[MultitapError], message: str
) -> None:
    with pytest.raises(expected) as caught, named_errors(URL):
        raise error

    assert caught.value.detail == message


def test_only_a_failed_connect_is_known_not_to_have_been_sent() -> None:
    with pytest.raises(ConnectionFailed) as refused, named_errors(URL):
        raise httpx.ConnectError("")
    with pytest.raises(ConnectionFailed) as broken, named_errors(URL):
        raise httpx.RemoteProtocolError("")

    assert not refused.value.sent
    assert broken.value.sent


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://127.8.8.8", True),
        ("http://localhost:1", True),
        ("http://a.localhost", True),
        ("http://[::1]:8000", True),
        ("https://example.org/multitap", False),
        ("http://10.0.0.1", False),
        ("http://localhost.example.org", False),
    ],
)
def test_loopback_is_known_by_its_address(url: str, *, loopback: bool) -> None:
    assert Address.parse(url) == Address(url, is_loopback=loopback)


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "127.0.0.1:8000", "ftp://example.org", "http://", "http://[::1"]
)
def test_what_is_no_http_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidUrl, match="is no ") as caught:
        Client(url)

    assert isinstance(caught.value, ValueError)
    assert repr(url) in caught.value.detail


def test_connecting_is_never_waited_for_longer_than_the_whole() -> None:
    assert timeouts(60).connect == 5.0
    assert timeouts(60).read == 60
    assert timeouts(1).connect == 1


def test_loopback_never_goes_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, closed_port: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")

    with (
        Client(closed_port, retries=Retries(limit=0)) as client,
        pytest.raises(ConnectionFailed) as caught,
    ):
        client.ready()

    assert "refused" in caught.value.detail
