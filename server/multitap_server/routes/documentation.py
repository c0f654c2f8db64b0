"""The API's own description, for programs and for people."""

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter
from pydantic_core import to_json
from starlette.responses import HTMLResponse, Response

from multitap.wire import JsonObject
from multitap_server.documentation_page import render_page
from multitap_server.request_body import JSON_TYPE

from .strict import strict_router

# The page has no script, and nothing on it comes from elsewhere.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def documentation_router(document: Callable[[], JsonObject]) -> APIRouter:
    """Return the routes that describe all routes."""
    router = strict_router("documentation")

    @router.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return Response(to_json(document()), media_type=JSON_TYPE)

    @router.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(render_page(document()), headers={"content-security-policy": _POLICY})

    return router
