"""Everything that a client raises, as one tree.

MultitapError                 status, code, detail, request_id, errors, retry_after_s
├── ConnectionFailed          no connection, or it broke before the answer was whole
├── RequestTimedOut           no answer in the time that the client waits
├── DigestMismatch            downloaded bytes are not those of the version
├── InvalidUrl                a base URL that is none (also a ValueError)
├── InvalidInput              an input that JSON cannot carry (also a ValueError)
├── ServerError               an answer that says nothing else: unknown code, not JSON, wrong shape
│
│   one leaf per problem code of the HTTP contract:
├── MalformedJson             400 malformed_json
├── Unauthenticated           401 unauthenticated
├── Forbidden                 403 forbidden
├── RouteNotFound             404 not_found
├── TaskNotFound              404 task_not_found
├── VersionNotFound           404 version_not_found
├── AliasNotFound             404 alias_not_found
├── UploadNotFound            404 upload_not_found
├── MethodNotAllowed          405 method_not_allowed
├── BodyTooSlow               408 request_timeout
├── BackboneMismatch          409 backbone_mismatch
├── AliasConflict             409 alias_conflict
├── VersionInUse              409 version_in_use
├── NothingToRollBackTo       409 nothing_to_roll_back_to
├── UploadConflict            409 upload_conflict
├── TooLarge                  413 too_large
├── UnsupportedMediaType      415 unsupported_media_type
├── InvalidRequest            422 invalid_request
├── InvalidAdapter            422 invalid_adapter
├── UploadDigestMismatch      422 upload_digest_mismatch
├── Overloaded                429 overloaded
├── QuotaExceeded             429 quota_exceeded
├── InternalError             500 internal
├── CorruptBlob               500 corrupt_blob
├── Unavailable               503 unavailable
├── DeadlineExceeded          504 deadline_exceeded
└── StorageFull               507 storage_full

The code decides which leaf is raised, never the status or the text.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from .wire import Fault


class MultitapError(Exception):
    """Base of everything that a client raises.

    `detail` is one sentence. The rest is None or empty where no server answered: `status` and
    `code` of the answer, `request_id` for the server's log, `errors` for every fault of a body or
    file, `retry_after_s` for when the server wants to be asked again.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        errors: Sequence[Fault] = (),
        retry_after_s: float | None = None,
    ) -> None:
        self.detail = detail
        self.status = status
        self.code = code
        self.request_id = request_id
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class ConnectionFailed(MultitapError):
    """There is no connection; `sent` is False where the request certainly did not leave."""

    def __init__(self, detail: str, *, sent: bool = True) -> None:
        self.sent = sent
        super().__init__(detail)


class RequestTimedOut(MultitapError):
    """The server did not answer in the time that the client waits."""


class DigestMismatch(MultitapError):
    """Downloaded bytes do not hash to the version's digest; nothing was written."""

    def __init__(self, *, expected: str, found: str) -> None:
        self.expected = expected
        self.found = found
        super().__init__(f"downloaded bytes have digest {found}, expected {expected}")


class InvalidUrl(MultitapError, ValueError):
    """The base URL is no http or https URL with a host."""


class InvalidInput(MultitapError, ValueError):
    """An input cannot be sent as JSON."""


class ServerError(MultitapError):
    """The server answered something that this client has no better name for."""


class MalformedJson(MultitapError):
    """The body is no JSON."""


class Unauthenticated(MultitapError):
    """The call needs a key."""


class Forbidden(MultitapError):
    """The key, the Host or the Origin does not allow the call."""


class RouteNotFound(MultitapError):
    """The server has no such route."""


class TaskNotFound(MultitapError):
    """No task has this name."""


class VersionNotFound(MultitapError):
    """The task has no ready version with this number."""


class AliasNotFound(MultitapError):
    """The task has no such alias."""


class UploadNotFound(MultitapError):
    """No upload in parts has this id, or nobody went on with it in time."""


class MethodNotAllowed(MultitapError):
    """The route exists, and does not take this method."""


class BodyTooSlow(MultitapError):
    """The server waited too long for the body."""


class BackboneMismatch(MultitapError):
    """The adapter was made for another backbone than the server's."""


class AliasConflict(MultitapError):
    """The alias is not where it was expected."""


class VersionInUse(MultitapError):
    """An alias points at the version."""


class NothingToRollBackTo(MultitapError):
    """The alias has no earlier target that is still ready."""


class UploadConflict(MultitapError):
    """The upload in parts is at another place, or another request has it."""


class TooLarge(MultitapError):
    """More bytes, rows or characters than the server takes."""


class UnsupportedMediaType(MultitapError):
    """The body has the wrong content type."""


class InvalidRequest(MultitapError):
    """The body has the wrong shape, or does not fit the task; `errors` lists every fault."""


class InvalidAdapter(MultitapError):
    """The file is no adapter; `errors` lists every fault."""


class UploadDigestMismatch(MultitapError):
    """The bytes that arrived are not those that were announced; nothing was published."""


class Overloaded(MultitapError):
    """The server's queue is full."""


class QuotaExceeded(MultitapError):
    """The caller has used up its share."""


class InternalError(MultitapError):
    """The server failed; its log has the cause under `request_id`."""


class CorruptBlob(MultitapError):
    """The server's stored bytes no longer match their digest."""


class Unavailable(MultitapError):
    """The server cannot work now."""


class DeadlineExceeded(MultitapError):
    """The answer was not there within `timeout_ms`."""


class StorageFull(MultitapError):
    """The server has no space left; nothing was published."""


BY_CODE: Final[Mapping[str, type[MultitapError]]] = MappingProxyType(
    {
        "malformed_json": MalformedJson,
        "unauthenticated": Unauthenticated,
        "forbidden": Forbidden,
        "not_found": RouteNotFound,
        "task_not_found": TaskNotFound,
        "version_not_found": VersionNotFound,
        "alias_not_found": AliasNotFound,
        "upload_not_found": UploadNotFound,
        "method_not_allowed": MethodNotAllowed,
        "request_timeout": BodyTooSlow,
        "backbone_mismatch": BackboneMismatch,
        "alias_conflict": AliasConflict,
        "version_in_use": VersionInUse,
        "nothing_to_roll_back_to": NothingToRollBackTo,
        "upload_conflict": UploadConflict,
        "too_large": TooLarge,
        "unsupported_media_type": UnsupportedMediaType,
        "invalid_request": InvalidRequest,
        "invalid_adapter": InvalidAdapter,
        "upload_digest_mismatch": UploadDigestMismatch,
        "overloaded": Overloaded,
        "quota_exceeded": QuotaExceeded,
        "internal": InternalError,
        "corrupt_blob": CorruptBlob,
        "unavailable": Unavailable,
        "deadline_exceeded": DeadlineExceeded,
        "storage_full": StorageFull,
    }
)
