"""Answers as responses: straight from the model to bytes."""

from collections.abc import Mapping

from pydantic_core import to_json
from starlette.responses import Response

from multitap.message import Answer

from .request_body import JSON_TYPE


def json_response(
    answer: Answer,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    leave_out_none: bool = False,
) -> Response:
    """Return an answer; `leave_out_none` where None means an absent field."""
    return Response(
        to_json(answer, exclude_none=leave_out_none),
        status_code=status,
        headers=headers,
        media_type=JSON_TYPE,
    )
