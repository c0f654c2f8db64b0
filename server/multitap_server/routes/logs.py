"""What happened: the log of events, and the audit log."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter
from fastapi import Query as QueryParameters
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from multitap.logs import AuditList, EventList
from multitap_server.audit import Audit
from multitap_server.departure import client_gone
from multitap_server.feed import Feed
from multitap_server.guards.leaving import leaving_of
from multitap_server.responses import json_response

from .declared import STORAGE, problems
from .strict import Query, strict_router


class LogQuery(Query):
    """Which part of a log to show."""

    after: int = Field(default=0, ge=0, lt=10**18, description="`next` of the last answer")
    limit: int = Field(default=100, ge=1, le=1_000, description="entries of a page")


class EventsQuery(LogQuery):
    """Which events to show, and how long to wait for one."""

    wait_s: float = Field(
        default=0,
        ge=0,
        le=60,
        allow_inf_nan=False,
        description="seconds to wait where there is none yet",
    )


def logs_router(feed: Feed, audit: Audit) -> APIRouter:
    """Return the routes of logs."""
    router = strict_router("logs")

    @router.get(
        "/events",
        operation_id="events",
        summary="Show changes in order, or wait for the next one",
        response_model=EventList,
        responses=problems(*STORAGE),
    )
    async def events(
        request: Request, query: Annotated[EventsQuery, QueryParameters()]
    ) -> Response:
        """Answers at once where there are events behind `after`, else with the first one to come.

        Where none comes in time, `events` is empty; `next` is what to ask behind next time.
        """
        page = await feed.page(
            after=query.after,
            limit=query.limit,
            wait_s=query.wait_s,
            client_gone=partial(client_gone, request),
            leaving=leaving_of(request.scope),
        )
        return json_response(page, leave_out_none=True)

    @router.get(
        "/audit",
        operation_id="audit",
        summary="Show who changed what, in hash-chained lines",
        response_model=AuditList,
        responses=problems(*STORAGE),
    )
    async def audit_lines(query: Annotated[LogQuery, QueryParameters()]) -> Response:
        """`hash` covers the line and the hash of the line before it; `next` is as for events."""
        page = await audit.page(after=query.after, limit=query.limit)
        return json_response(page, leave_out_none=True)

    return router
