"""What routes declare in the OpenAPI document: their problems and their bodies."""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from multitap.wire import JsonObject
from multitap_server.problems import CODES, MEDIA_TYPE, Kind

Responses: TypeAlias = dict[int | str, dict[str, Any]]

SCHEMAS: Final = "#/components/schemas/"
_RETRIED: Final = (429, 503)
# Every route may answer these: guards stand before it, and unknown query parameters are refused.
EVERYWHERE: Final = ("forbidden", "invalid_request", "internal")
JSON_BODY: Final = ("malformed_json", "request_timeout", "too_large", "unsupported_media_type")
PREDICT: Final = (
    "task_not_found",
    "version_not_found",
    "alias_not_found",
    "backbone_mismatch",
    "invalid_adapter",
    "overloaded",
    "corrupt_blob",
    "unavailable",
    "deadline_exceeded",
)
STORAGE: Final = ("overloaded", "unavailable")


def problems(*codes: str) -> Responses:
    """Return the declarations of these problems and of those that every route may answer."""
    by_status: dict[int, list[Kind]] = {}
    for code in dict.fromkeys((*codes, *EVERYWHERE)):
        by_status.setdefault(CODES[code].status, []).append(CODES[code])
    return {status: declare(*by_status[status]) for status in sorted(by_status)}


def json_body(*models: str, examples: dict[str, JsonObject], required: bool = True) -> JsonObject:
    """Return the declaration of a JSON body that is one of these models of the wire."""
    schemas = [{"$ref": f"{SCHEMAS}{model}"} for model in models]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    named = {name: {"value": value} for name, value in examples.items()}
    content = {"application/json": {"schema": schema, "examples": named}}
    return {"requestBody": {"required": required, "content": content}}


def file_body(media_types: Sequence[str]) -> JsonObject:
    """Return the declaration of a body of raw bytes."""
    schema = {"type": "string", "format": "binary"}
    content = {media_type: {"schema": schema} for media_type in media_types}
    return {"requestBody": {"required": True, "content": content}}


def declare(*kinds: Kind) -> dict[str, Any]:
    """Return the declaration of problems that share a status."""
    titles = "; ".join(f"`{kind.code}`: {kind.title}" for kind in kinds)
    examples = {kind.code: {"value": _example(kind)} for kind in kinds}
    declared: dict[str, Any] = {
        "description": f"{titles}.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{SCHEMAS}Problem"}, "examples": examples}},
    }
    if kinds[0].status in _RETRIED:
        seconds = {"type": "integer", "minimum": 1}
        declared["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "schema": seconds}
        }
    return declared


def _example(kind: Kind) -> JsonObject:
    return {
        "type": f"/problems/{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "code": kind.code,
        "detail": kind.detail or "what happened, in one sentence",
        "request_id": "5f0c9d0f6a0b4c0e8d7a1b2c3d4e5f60",
    }
