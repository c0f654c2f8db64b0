"""The one table from exceptions to problems (RFC 9457), and the making of a problem.

``CODES`` is the contract's table of codes; ``EXCEPTIONS`` names the code of every exception that
the registry, the file format, the engine and the edge raise. An exception that is not there is
``internal``, and says nothing about itself.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from multitap.wire import Fault, Problem
from multitap_adapters.file import AdapterFileError
from multitap_registry import errors as registry

from . import errors as edge
from .engine import errors as engine

MEDIA_TYPE: Final = "application/problem+json"
OFFSET_HEADER: Final = "upload-offset"
UNAVAILABLE_RETRY_S: Final = 5


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the contract's table; `detail` stands for messages that are not for clients."""

    code: str
    status: int
    title: str
    detail: str | None = None


_KINDS = (
    Kind("malformed_json", 400, "The body is no JSON"),
    Kind("unauthenticated", 401, "The call needs a key"),
    Kind("forbidden", 403, "The call is not allowed"),
    Kind("not_found", 404, "No such route"),
    Kind("task_not_found", 404, "No such task"),
    Kind("version_not_found", 404, "No such version"),
    Kind("alias_not_found", 404, "No such alias"),
    Kind("upload_not_found", 404, "No such upload"),
    Kind("method_not_allowed", 405, "The route does not take this method"),
    Kind("request_timeout", 408, "The body took too long"),
    Kind("backbone_mismatch", 409, "The adapter was made for another backbone"),
    Kind("alias_conflict", 409, "The alias is not where it was expected"),
    Kind("version_in_use", 409, "An alias points at the version"),
    Kind("nothing_to_roll_back_to", 409, "The alias has no earlier target"),
    Kind("upload_conflict", 409, "The upload is not where it was expected"),
    Kind("too_large", 413, "The request is too large"),
    Kind("unsupported_media_type", 415, "The body has the wrong content type"),
    Kind("invalid_request", 422, "The request is not valid"),
    Kind("invalid_adapter", 422, "The adapter is not valid"),
    Kind("upload_digest_mismatch", 422, "The bytes are not those that were announced"),
    Kind("overloaded", 429, "The queue is full"),
    Kind("quota_exceeded", 429, "The quota is used up"),
    Kind("internal", 500, "Internal error", "the server failed; its log has the request id"),
    Kind("corrupt_blob", 500, "Stored bytes are damaged"),
    Kind("unavailable", 503, "The server cannot work now", "the server cannot work now"),
    Kind("deadline_exceeded", 504, "No answer in time"),
    Kind("storage_full", 507, "No space left", "no space is left for this upload or change"),
)
# HTTP's own status for this one fault of a request (RFC 9110, 15.5.17).
UNSATISFIABLE_RANGE: Final = Kind("invalid_request", 416, "The range lies outside the file")
CODES: Final[Mapping[str, Kind]] = MappingProxyType({kind.code: kind for kind in _KINDS})

EXCEPTIONS: Final[Mapping[type[Exception], str]] = MappingProxyType(
    {
        edge.MalformedJson: "malformed_json",
        edge.InvalidRequest: "invalid_request",
        edge.UnsupportedMediaType: "unsupported_media_type",
        edge.TooLarge: "too_large",
        edge.BodyTooSlow: "request_timeout",
        edge.Forbidden: "forbidden",
        edge.RouteNotFound: "not_found",
        edge.MethodNotAllowed: "method_not_allowed",
        edge.RangeNotSatisfiable: "invalid_request",
        edge.UnusableOutput: "internal",
        edge.NotReady: "unavailable",
        AdapterFileError: "invalid_adapter",
        registry.InvalidReference: "invalid_request",
        registry.TaskNotFound: "task_not_found",
        registry.VersionNotFound: "version_not_found",
        registry.AliasNotFound: "alias_not_found",
        registry.AliasConflict: "alias_conflict",
        registry.VersionInUse: "version_in_use",
        registry.NothingToRollBackTo: "nothing_to_roll_back_to",
        registry.TooManyTags: "invalid_request",
        registry.UploadTooLarge: "too_large",
        registry.UploadNotFound: "upload_not_found",
        registry.UploadOffsetMismatch: "upload_conflict",
        registry.UploadIncomplete: "upload_conflict",
        registry.UploadInUse: "upload_conflict",
        registry.UploadDigestMismatch: "upload_digest_mismatch",
        registry.UploadQuotaExceeded: "quota_exceeded",
        registry.CorruptBlob: "corrupt_blob",
        registry.StorageFull: "storage_full",
        registry.StorageUnavailable: "unavailable",
        # Only commands beside a server import tasks and look for a registry.
        registry.TaskNameTaken: "internal",
        registry.RegistryNotFound: "internal",
        # The next three stop a start; a request never meets them.
        registry.InvalidBlobUrl: "internal",
        registry.RegistryLocked: "internal",
        registry.UnsupportedSchema: "internal",
        engine.BackboneMismatch: "backbone_mismatch",
        engine.UnsupportedAdapter: "invalid_adapter",
        engine.InputTooLong: "invalid_request",
        engine.Overloaded: "overloaded",
        engine.DeadlineExceeded: "deadline_exceeded",
        engine.AdapterUnavailable: "unavailable",
        engine.EngineStopped: "unavailable",
    }
)

# Where the one fault of these is.
_PLACES: Final[Mapping[type[Exception], str]] = MappingProxyType(
    {
        edge.RangeNotSatisfiable: "header.range",
        registry.InvalidReference: "reference",
        registry.TooManyTags: "tag",
        engine.UnsupportedAdapter: "spec",
        engine.InputTooLong: "inputs",
    }
)


def kind_of(error: Exception) -> Kind:
    """Return the row of the table for an exception."""
    if isinstance(error, edge.RangeNotSatisfiable):
        return UNSATISFIABLE_RANGE
    if isinstance(error, engine.AdapterUnavailable) and isinstance(
        error.__cause__, registry.CorruptBlob
    ):
        return CODES["corrupt_blob"]
    for ancestor in type(error).__mro__:
        code = EXCEPTIONS.get(ancestor)
        if code is not None:
            return CODES[code]
    return CODES["internal"]


def build_problem(error: Exception, request_id: str) -> Problem:
    """Return the body for an exception; what is not for clients stays out."""
    kind = kind_of(error)
    return Problem(
        type=f"/problems/{kind.code}",
        title=kind.title,
        status=kind.status,
        code=kind.code,
        detail=kind.detail or str(error),
        request_id=request_id,
        errors=_faults(error),
    )


def problem_response(error: Exception, request_id: str) -> Response:
    """Return the whole response for an exception."""
    problem = build_problem(error, request_id)
    return Response(
        problem.model_dump_json(exclude_none=True),
        status_code=problem.status,
        headers=_headers(error, problem.status),
        media_type=MEDIA_TYPE,
    )


def _faults(error: Exception) -> list[Fault] | None:
    """Return every fault of a body, a file or a reference; None where the detail says it all."""
    if isinstance(error, edge.InvalidRequest | edge.NotReady):
        return list(error.faults)
    if isinstance(error, AdapterFileError):
        return [Fault(at=fault.at, message=fault.message) for fault in error.faults]
    place = _PLACES.get(type(error))
    return None if place is None else [Fault(at=place, message=str(error))]


def _headers(error: Exception, status: int) -> dict[str, str]:
    match error:
        case edge.MethodNotAllowed():
            return {"allow": ", ".join(error.allowed)}
        case edge.RangeNotSatisfiable():
            return {"content-range": f"bytes */{error.size_bytes}"}
        case registry.UploadOffsetMismatch() | registry.UploadIncomplete():
            return {OFFSET_HEADER: str(error.offset)}
        case engine.Overloaded() | registry.UploadQuotaExceeded():
            return {"retry-after": str(max(1, math.ceil(error.retry_after_s)))}
        case _:
            return {"retry-after": str(UNAVAILABLE_RETRY_S)} if status == 503 else {}  # noqa: PLR2004
