"""JSON as a server would send it."""

from collections.abc import Mapping

from starlette.responses import JSONResponse

ANSWER: dict[str, object] = {
    "task": "sentiment",
    "version": 3,
    "digest": "sha256:9f",
    "kind": "classification",
    "predictions": [{"label": "positive", "score": 0.75}],
    "usage": {"rows": 1, "tokens": 9, "truncated": 0},
}
VERSION: dict[str, object] = {
    "task": "sentiment",
    "version": 3,
    "digest": "sha256:9f",
    "size_bytes": 5,
    "kind": "classification",
    "labels": ["no", "yes"],
    "spec": {},
    "aliases": ["live"],
    "state": "ready",
    "servable": True,
    "created_at": "2026-11-22T12:00:00Z",
    "created_by": "anonymous",
}
TASK: dict[str, object] = {
    "task": "sentiment",
    "kind": "classification",
    "labels": ["negative", "positive"],
    "live": 3,
    "aliases": {"live": 3, "next": 4},
    "versions": 4,
    "servable": True,
    "created_at": "2026-11-20T12:00:00Z",
    "updated_at": "2026-11-22T12:00:00Z",
}


def problem(
    code: str, status: int, detail: str = "why", *, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return a problem as a server sends it."""
    body = {"title": "T", "status": status, "code": code, "detail": detail, "request_id": "r1"}
    return JSONResponse(
        body, status_code=status, headers=headers, media_type="application/problem+json"
    )
