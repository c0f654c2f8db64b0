"""Tasks: what there is, and where aliases point."""

from typing import Annotated

from fastapi import APIRouter
from fastapi import Query as QueryParameters
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from multitap.wire import HeadKind, PointRequest, Task, TaskList, Version
from multitap_registry.contract import TaskFilter
from multitap_server.catalogue import Catalogue
from multitap_server.config import ServerConfig
from multitap_server.request_body import parse_model, read_json
from multitap_server.responses import json_response

from .declared import JSON_BODY, STORAGE, json_body, problems
from .strict import Query, strict_router

# Who did it, until requests carry keys.
ANONYMOUS = "anonymous"


class TasksQuery(Query):
    """Which tasks to list."""

    limit: int = Field(default=100, ge=1, le=1_000, description="tasks of a page")
    after: str | None = Field(default=None, max_length=200, description="`next` of the last page")
    kind: HeadKind | None = Field(default=None, description="kind of the task's head")
    q: str = Field(default="", max_length=200, description="part of the name")


def tasks_router(config: ServerConfig, catalogue: Catalogue) -> APIRouter:
    """Return the routes of tasks and aliases."""
    router = strict_router("tasks")

    @router.get(
        "/tasks",
        operation_id="tasks",
        summary="List tasks by name",
        response_model=TaskList,
        responses=problems(*STORAGE),
    )
    async def tasks(query: Annotated[TasksQuery, QueryParameters()]) -> Response:
        where = TaskFilter(query=query.q, kind=query.kind)
        page = await catalogue.tasks(limit=query.limit, after=query.after, where=where)
        return json_response(page)

    @router.get(
        "/tasks/{task}",
        operation_id="task",
        summary="Show one task",
        response_model=Task,
        responses=problems("task_not_found", *STORAGE),
    )
    async def task(task: str) -> Response:
        return json_response(await catalogue.task(task))

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
        return json_response(await catalogue.point(task, alias, body, by=ANONYMOUS))

    return router
