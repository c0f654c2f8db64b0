"""Tags of versions: free words, any number of versions each."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from multitap.wire import Version
from multitap_server.caller import caller_of
from multitap_server.changes import Changes
from multitap_server.responses import json_response

from .declared import STORAGE, problems
from .strict import strict_router

# A tag may have slashes.
_PATH = "/tasks/{task}/versions/{version}/tags/{tag:path}"


def tags_router(changes: Changes) -> APIRouter:
    """Return the routes of tags."""
    router = strict_router("versions")
    declared = problems("task_not_found", "version_not_found", "storage_full", *STORAGE)

    @router.put(
        _PATH,
        operation_id="tag",
        summary="Give a version a tag",
        response_model=Version,
        responses=declared,
    )
    async def tag(task: str, version: str, tag: str, request: Request) -> Response:
        """A tag that is there already stays."""
        return json_response(await changes.tag(task, version, tag, caller_of(request)))

    @router.delete(
        _PATH,
        operation_id="untag",
        summary="Take a tag from a version",
        response_model=Version,
        responses=declared,
    )
    async def untag(task: str, version: str, tag: str, request: Request) -> Response:
        """A tag that is not there is no error."""
        return json_response(await changes.untag(task, version, tag, caller_of(request)))

    return router
