"""From pydantic's errors to faults that a person can read: one per mistake, each with its place."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from multitap.wire import Fault

from .errors import InvalidRequest

# Tags of the wire's unions, which say which form was meant and are no part of the document.
_TAGS: Final = frozenset({"<list>", "<one>", "<text>", "<object>", "<question>", "<tokens>"})
_MESSAGES: Final = {"missing": "this field is missing", "extra_forbidden": "this field is unknown"}
_MAX_PART: Final = 100


def invalid_request(errors: Sequence[Mapping[str, Any]]) -> InvalidRequest:
    """Return one refusal for all of pydantic's errors."""
    return InvalidRequest([_fault(error) for error in errors])


def _fault(error: Mapping[str, Any]) -> Fault:
    loc: tuple[str | int, ...] = tuple(error["loc"])
    message: str = _MESSAGES.get(error["type"]) or error["msg"]
    place = ".".join(str(part)[:_MAX_PART] for part in loc if part not in _TAGS)
    return Fault(at=place or "body", message=f"{message[:1].lower()}{message[1:]}")
