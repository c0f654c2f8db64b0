"""How an object store is asked: with which patience, and how much of a file at once."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from obstore.store import S3Store

from .object_place import ObjectPlace

if TYPE_CHECKING:
    from obstore.store import RetryConfig, S3Config


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How long requests may take, and how much of a file is on its way at once.

    Servers refuse parts of less than 5 MiB, but for the last one.
    """

    connect_s: float = 5
    idle_s: float = 30
    request_s: float = 120
    retries: int = 3
    retry_s: float = 30
    part_bytes: int = 5 * 2**20
    parts_at_once: int = 2


def connect(place: ObjectPlace, limits: RequestLimits) -> S3Store:
    """Return a bucket, for names below the prefix; keys and endpoint come from AWS's variables.

    Raises:
        obstore.exceptions.BaseError: one of these variables cannot be used.
    """
    # Not `client_options`: with these the library reads AWS_ALLOW_HTTP and its like no more.
    config = {
        "connect_timeout": _duration(limits.connect_s),
        "read_timeout": _duration(limits.idle_s),
        "timeout": _duration(limits.request_s),
        # One object at a time is removed here, and not every server knows the other request.
        "disable_bulk_delete": True,
    }
    retry: RetryConfig = {
        "max_retries": limits.retries,
        "retry_timeout": timedelta(seconds=limits.retry_s),
        "backoff": {
            "init_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(seconds=2),
            "base": 2,
        },
    }
    return S3Store(
        place.bucket,
        prefix=place.prefix or None,
        config=cast("S3Config", config),
        retry_config=retry,
    )


def _duration(seconds: float) -> str:
    return f"{round(seconds * 1_000)}ms"
