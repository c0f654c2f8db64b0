"""The base of every route: a query parameter that the route does not know is an error."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from multitap.wire import Fault
from multitap_server.errors import InvalidRequest


class Query(BaseModel):
    """Base of the query parameters of a route; it refuses unknown ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StrictRoute(APIRoute):
    """Refuses repeated query parameters, and any where a route takes none."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the library's handler. The handler raises: InvalidRequest."""
        handle = super().get_route_handler()
        takes_some = bool(self.dependant.query_params)

        async def strict(request: Request) -> Response:
            if request.scope["query_string"]:
                _check(request.query_params, takes_some=takes_some)
            return await handle(request)

        return strict


def strict_router(tag: str) -> APIRouter:
    """Return a router of strict routes."""
    return APIRouter(route_class=StrictRoute, tags=[tag])


def _check(parameters: QueryParams, *, takes_some: bool) -> None:
    faults = [
        Fault(
            at=f"query.{name[:100]}",
            message="this parameter is unknown" if not takes_some else "given more than once",
        )
        for name in parameters
        if not takes_some or len(parameters.getlist(name)) > 1
    ]
    if faults:
        raise InvalidRequest(faults)
