"""Health and metrics: alive, ready, and what was counted."""

from fastapi import APIRouter
from starlette.responses import Response

from multitap.wire import Health
from multitap.wire import Readiness as ReadinessAnswer
from multitap_server.metrics import CONTENT_TYPE, Metrics
from multitap_server.readiness import Readiness
from multitap_server.responses import json_response

from .declared import problems
from .strict import strict_router


def health_router(readiness: Readiness, metrics: Metrics) -> APIRouter:
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
        summary="Whether the server can predict, and whether it can publish",
        response_model=ReadinessAnswer,
        response_model_exclude_none=True,
        responses=problems("overloaded", "unavailable"),
    )
    async def readyz() -> Response:
        """503 where it cannot predict; `errors` names every part that cannot work, and says why."""
        faults = await readiness.faults()
        answer = ReadinessAnswer(status="degraded" if faults else "ready", errors=faults or None)
        return json_response(answer, leave_out_none=True)

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
