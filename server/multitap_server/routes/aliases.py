"""Aliases: moved, rolled back, deleted, and where they have been."""

from typing import Annotated

from fastapi import APIRouter
from fastapi import Query as QueryParameters
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from multitap.logs import AliasHistory
from multitap.wire import PointRequest, Reason, RollbackRequest, Version, VersionNumber
from multitap_server.caller import caller_of
from multitap_server.catalogue import Catalogue
from multitap_server.changes import Changes
from multitap_server.config import ServerConfig
from multitap_server.request_body import parse_model, read_json, read_optional
from multitap_server.responses import json_response

from .declared import JSON_BODY, STORAGE, json_body, problems
from .strict import Query, strict_router


class DeleteAliasQuery(Query):
    """How to delete an alias."""

    expected: VersionNumber | None = Field(default=None, description="where it must be now")
    reason: Reason | None = Field(default=None, description="why, for the history")


def aliases_router(config: ServerConfig, catalogue: Catalogue, changes: Changes) -> APIRouter:
    """Return the routes of aliases."""
    router = strict_router("aliases")
    _add_moves(router, config, changes)
    _add_history(router, catalogue)
    return router


def _add_moves(router: APIRouter, config: ServerConfig, changes: Changes) -> None:
    @router.put(
        "/tasks/{task}/aliases/{alias}",
        operation_id="point",
        summary="Move an alias to a version",
        response_model=Version,
        responses=problems(
            "task_not_found",
            "version_not_found",
            "backbone_mismatch",
            "alias_conflict",
            "invalid_adapter",
            "storage_full",
            *JSON_BODY,
            *STORAGE,
        ),
        openapi_extra=json_body(
            "PointRequest",
            examples={"promote": {"version": 7, "expected": 6, "reason": "better on new data"}},
        ),
    )
    async def point(task: str, alias: str, request: Request) -> Response:
        """`expected` is where the alias must be now; null: it must not exist; absent: anywhere."""
        document = await read_json(request, max_depth=config.json_depth)
        body = parse_model(PointRequest, document)
        return json_response(await changes.point(task, alias, body, caller_of(request)))

    @router.post(
        "/tasks/{task}/aliases/{alias}/rollback",
        operation_id="rollback",
        summary="Move an alias back to its last earlier target",
        response_model=Version,
        responses=problems(
            "task_not_found",
            "alias_not_found",
            "backbone_mismatch",
            "alias_conflict",
            "nothing_to_roll_back_to",
            "invalid_adapter",
            "storage_full",
            *JSON_BODY,
            *STORAGE,
        ),
        openapi_extra=json_body(
            "RollbackRequest",
            examples={"undo": {"expected": 7, "reason": "worse on new data"}},
            required=False,
        ),
    )
    async def rollback(task: str, alias: str, request: Request) -> Response:
        """Deleted targets are passed over; a second rollback goes back one target more."""
        body = await read_optional(request, RollbackRequest, max_depth=config.json_depth)
        return json_response(await changes.rollback(task, alias, body, caller_of(request)))

    @router.delete(
        "/tasks/{task}/aliases/{alias}",
        operation_id="delete_alias",
        summary="Delete an alias",
        status_code=204,
        response_class=Response,
        responses=problems(
            "task_not_found", "alias_not_found", "alias_conflict", "storage_full", *STORAGE
        ),
    )
    async def delete_alias(
        task: str,
        alias: str,
        request: Request,
        query: Annotated[DeleteAliasQuery, QueryParameters()],
    ) -> Response:
        """Its history stays, and goes on if it is made again."""
        caller = caller_of(request)
        await changes.delete_alias(
            task, alias, caller, expected=query.expected, reason=query.reason
        )
        return Response(status_code=204)


def _add_history(router: APIRouter, catalogue: Catalogue) -> None:
    @router.get(
        "/tasks/{task}/aliases/{alias}/history",
        operation_id="history",
        summary="Show every move of an alias",
        response_model=AliasHistory,
        responses=problems("task_not_found", "alias_not_found", *STORAGE),
    )
    async def history(task: str, alias: str) -> Response:
        """Oldest first; `from` is null where the alias was made, `to` where it was deleted."""
        return json_response(await catalogue.history(task, alias))
