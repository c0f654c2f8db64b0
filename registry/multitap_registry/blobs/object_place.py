"""Where an object store is, from its URL and from AWS's variables, checked before they are used.

The library that talks to the store reads these variables by itself, and ends the whole thread where
one of them cannot be put into a request. No message here holds a value: it may be a secret.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from multitap_registry.errors import InvalidBlobUrl, StorageUnavailable

SCHEME: Final = "s3"

_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
# What S3 calls safe characters.
_SEGMENT: Final = re.compile(r"[A-Za-z0-9!_.*'()-]+")
_PREFIX_CHARACTERS: Final = 512
_ENDPOINTS: Final = ("AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
_PLAIN: Final = (
    *_ENDPOINTS,
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_TOKEN",
)
_TRUE: Final = ("1", "on", "true", "y", "yes")


@dataclass(frozen=True, slots=True)
class ObjectPlace:
    """A bucket, and the prefix of all names in it; "" for none."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse ``s3://bucket/prefix``.

        Raises:
            InvalidBlobUrl: the URL is another one.
        """
        scheme, colon, rest = url.partition("://")
        if not colon or scheme != SCHEME:
            known = colon and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,31}", scheme)
            raise InvalidBlobUrl(f"has the scheme {scheme!r}" if known else "has no scheme")
        bucket, _, prefix = rest.partition("/")
        if re.search(r"[@:?#\\]", rest):
            raise InvalidBlobUrl(
                "has a user, a port, a query or a fragment, where keys and the rest come from "
                "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT"
            )
        if not _BUCKET.fullmatch(bucket):
            raise InvalidBlobUrl(f"names the bucket {bucket!r}")
        prefix = prefix.removesuffix("/")
        if prefix and not _is_prefix(prefix):
            raise InvalidBlobUrl(f"has the prefix {prefix[:200]!r}")
        return cls(bucket, prefix)

    def __str__(self) -> str:
        return f"{SCHEME}://{self.bucket}/{self.prefix}".removesuffix("/")


def check_environment(environ: Mapping[str, str]) -> None:
    """Return where AWS's variables can be used.

    Raises:
        StorageUnavailable: one of them cannot, by name.
    """
    found = {name.upper(): value for name, value in environ.items()}
    for name in _PLAIN:
        if name in found and not re.fullmatch(r"[!-~]+", found[name]):
            raise StorageUnavailable(
                f"{name} is empty or holds a blank, a line end or a character beyond ASCII"
            )
    for name in _ENDPOINTS:
        if name in found:
            _check_endpoint(name, found[name])
            if found[name].startswith("http:") and not _is_true(found.get("AWS_ALLOW_HTTP")):
                raise StorageUnavailable(
                    f"{name} is http, which encrypts nothing: AWS_ALLOW_HTTP=true allows it"
                )


def _is_prefix(text: str) -> bool:
    return len(text) <= _PREFIX_CHARACTERS and all(
        _SEGMENT.fullmatch(segment) and segment not in {".", ".."} for segment in text.split("/")
    )


def _check_endpoint(name: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = (
            parts.scheme in ("http", "https")
            and re.fullmatch(r"[A-Za-z0-9._:-]+", parts.hostname or "")
            and parts.port != 0
            and not re.search(r"[@?#\\]", url)
        )
    except ValueError:
        usable = False
    if not usable:
        raise StorageUnavailable(
            f"{name} is no https://host[:port] without user, query and fragment"
        )


def _is_true(text: str | None) -> bool:
    return text is not None and text.lower() in _TRUE
