"""From an HTTP response to a wire type, or to the error that its problem code names. Pure."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

import httpx
from pydantic import ValidationError

from .errors import BY_CODE, MultitapError, ServerError
from .message import Answer
from .publication import Publication
from .wire import Problem, Version

AnswerT = TypeVar("AnswerT", bound=Answer)

_SHOWN_CHARACTERS = 200


def reader(model: type[AnswerT]) -> Callable[[httpx.Response], AnswerT]:
    """Return a function that parses responses of this type."""

    def read(response: httpx.Response) -> AnswerT:
        return parse(model, response)

    return read


def parse(model: type[AnswerT], response: httpx.Response) -> AnswerT:
    """Parse a response whose body has been read.

    Raises:
        MultitapError: the leaf of the answer's problem code; ServerError for anything unknown.
    """
    require_success(response)
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"]) or "the body"
        raise ServerError(
            f"the answer is no {model.__name__}: {at}: {first['msg'].lower()}",
            status=response.status_code,
            request_id=response.headers.get("x-request-id"),
        ) from error


def parse_publication(response: httpx.Response) -> Publication:
    """Parse the answer to a push. Raises: as `parse`."""
    return Publication(parse(Version, response), created=response.status_code == HTTPStatus.CREATED)


def parse_readiness(response: httpx.Response) -> bool:
    """Return False for 503. Raises: as `parse`, for other failures."""
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        return False
    require_success(response)
    return True


def require_success(response: httpx.Response) -> None:
    """Return for a 2xx response. Raises: as `parse`."""
    if not response.is_success:
        raise error_of(response)


def error_of(response: httpx.Response) -> MultitapError:
    """Return the error that a failed response stands for."""
    wait_s = retry_after_s(response.headers.get("retry-after"), now=datetime.now(UTC))
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        return ServerError(
            _describe(response),
            status=response.status_code,
            request_id=response.headers.get("x-request-id"),
            retry_after_s=wait_s,
        )
    return BY_CODE.get(problem.code, ServerError)(
        problem.detail,
        status=response.status_code,
        code=problem.code,
        request_id=problem.request_id,
        errors=problem.errors or (),
        retry_after_s=wait_s,
    )


def retry_after_s(header: str | None, *, now: datetime) -> float | None:
    """Parse Retry-After, seconds or an HTTP date; None where it is absent or neither."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - now).total_seconds())
    except (ValueError, TypeError):  # TypeError: a date without a zone
        return None


def _describe(response: httpx.Response) -> str:
    kind = response.headers.get("content-type", "no content type")
    text = " ".join(response.text[:_SHOWN_CHARACTERS].split())
    return f"the server answered {response.status_code} ({kind}): {text!r}"
