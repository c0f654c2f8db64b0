"""Tasks: what there is."""

from typing import Annotated

from fastapi import APIRouter
from fastapi import Query as QueryParameters
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from multitap.wire import HeadKind, Reason, Task, TaskList
from multitap_registry.contract import TaskFilter
from multitap_server.caller import caller_of
from multitap_server.catalogue import Catalogue
from multitap_server.changes import Changes
from multitap_server.responses import json_response

from .declared import STORAGE, problems
from .strict import Query, strict_router


class TasksQuery(Query):
    """Which tasks to list."""

    limit: int = Field(default=100, ge=1, le=1_000, description="tasks of a page")
    after: str | None = Field(default=None, max_length=200, description="`next` of the last page")
    kind: HeadKind | None = Field(default=None, description="kind of the task's head")
    q: str = Field(default="", max_length=200, description="part of the name")
    label: str | None = Field(default=None, max_length=200, description="one of its labels")
    tag: str | None = Field(default=None, max_length=200, description="a tag of a version")
    language: str | None = Field(
        default=None, max_length=200, description="one of the languages of its card"
    )
    licence: str | None = Field(
        default=None, max_length=200, description="part of the licence of its card"
    )
    text: str | None = Field(
        default=None, max_length=200, description="part of its card's description or data"
    )

    def filter(self) -> TaskFilter:
        """Return the conditions."""
        return TaskFilter(
            query=self.q,
            kind=self.kind,
            label=self.label,
            tag=self.tag,
            language=self.language,
            licence=self.licence,
            text=self.text,
        )


class DeleteTaskQuery(Query):
    """How to delete a task."""

    force: bool = Field(default=False, description="also where aliases point at its versions")
    reason: Reason | None = Field(default=None, description="why, for the audit log")


def tasks_router(catalogue: Catalogue, changes: Changes) -> APIRouter:
    """Return the routes of tasks."""
    router = strict_router("tasks")

    @router.get(
        "/tasks",
        operation_id="tasks",
        summary="List tasks by name",
        response_model=TaskList,
        responses=problems(*STORAGE),
    )
    async def tasks(query: Annotated[TasksQuery, QueryParameters()]) -> Response:
        """Every condition that is given must hold; upper and lower case are the same."""
        page = await catalogue.tasks(limit=query.limit, after=query.after, where=query.filter())
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

    @router.delete(
        "/tasks/{task}",
        operation_id="delete_task",
        summary="Delete a task with all of its versions",
        status_code=204,
        response_class=Response,
        responses=problems("task_not_found", "version_in_use", "storage_full", *STORAGE),
    )
    async def delete_task(
        task: str, request: Request, query: Annotated[DeleteTaskQuery, QueryParameters()]
    ) -> Response:
        """Its numbers are never used again: a task of this name that is published later goes on."""
        await changes.delete_task(task, caller_of(request), force=query.force, reason=query.reason)
        return Response(status_code=204)

    return router
