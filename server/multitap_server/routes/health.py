"""Health and metrics: alive, ready, and what was counted."""

from fastapi import APIRouter
from starlette.responses import Response

from multitap.wire import Health
from multitap_registry.contract import Registry
from multitap_server.engine.contract import Engine
from multitap_server.metrics import CONTENT_TYPE, Metrics
from multitap_server.responses import json_response
from multitap_server.threads import Threads

from .declared import problems
from .strict import strict_router


def health_router(
    registry: Registry, engine: Engine, threads: Threads, metrics: Metrics
) -> APIRouter:
    """Return the routes that say how the server is."""
    router = strict_router("health")

    @router.get(
        "/livez",
        operation_id="livez",
        summary="Whether the server answers at all",
        response_model=Health,
        responses=problems(),
    )
    async def livez() -> Response:
        return json_response(Health(status="alive"))

    @router.get(
        "/readyz",
        operation_id="readyz",
        summary="Whether the server can predict and publish",
        response_model=Health,
        responses=problems("overloaded", "unavailable", "storage_full"),
    )
    async def readyz() -> Response:
        engine.require_ready()
        await threads.run(registry.check)
        return json_response(Health(status="ready"))

    @router.get(
        "/metrics",
        operation_id="metrics",
        summary="Counters in Prometheus' text format",
        response_class=Response,
        responses={
            **problems(),
            200: {
                "description": "The counters.",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            },
        },
    )
    async def show_metrics() -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    return router
