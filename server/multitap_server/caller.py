"""Who makes a request, and in which one."""

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from .guards.request_id import request_id_of

# Who did it, until requests carry keys.
ANONYMOUS: Final = "anonymous"


@dataclass(frozen=True, slots=True)
class Caller:
    """What the registry keeps of a request that changes something."""

    by: str
    request_id: str


def caller_of(request: Request) -> Caller:
    """Return who makes this request."""
    return Caller(ANONYMOUS, request_id_of(request.scope))
