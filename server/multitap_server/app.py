"""The application: guards around routes around services, all made here and nowhere else."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import cache

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from multitap import __version__
from multitap.wire import JsonObject
from multitap_registry.contract import Registry

from .audit import Audit
from .catalogue import Catalogue
from .changes import Changes
from .config import ServerConfig
from .engine.contract import Engine
from .errors import MethodNotAllowed, RouteNotFound
from .faults import invalid_request
from .feed import Feed
from .guards.body import BodyGuard, BodyLimits
from .guards.failures import Failures
from .guards.origin import OriginGuard
from .guards.request_id import RequestId, request_id_of
from .metrics import Metrics
from .observation import Observation
from .openapi import TITLE, build_document
from .predictions import Predictions
from .problems import problem_response
from .readiness import Readiness
from .registry_probe import RegistryProbe
from .resumable import ResumableUploads
from .routes.aliases import aliases_router
from .routes.documentation import documentation_router
from .routes.health import health_router
from .routes.logs import logs_router
from .routes.predict import predict_router
from .routes.tags import tags_router
from .routes.tasks import tasks_router
from .routes.uploads import uploads_router
from .routes.versions import versions_router
from .servability import Servability
from .threads import Threads
from .uploads import Uploads


def create_app(config: ServerConfig, registry: Registry, engine: Engine) -> FastAPI:
    """Return the application; registry and engine stay the caller's to close."""
    encoding = Threads("encode", workers=config.encode_threads, waiting=config.waiting_calls)
    storage = Threads("storage", workers=config.storage_threads, waiting=config.waiting_calls)
    receiving = Threads("upload", workers=config.uploads, waiting=0)
    probe = RegistryProbe(registry, storage)
    metrics = Metrics(engine, registry, probe)
    servability = Servability(engine)
    catalogue = Catalogue(registry, servability, storage)
    changes = Changes(registry, catalogue, servability, storage)
    feed = Feed(registry, storage, waiters=config.event_waiters)
    uploads = Uploads(registry, servability, receiving)
    resumable = ResumableUploads(
        registry,
        uploads,
        max_upload_bytes=config.upload_bytes,
        receiving=receiving,
        storage=storage,
    )
    routers = [
        predict_router(config, Predictions(config, registry, engine, encoding, metrics)),
        tasks_router(catalogue, changes),
        aliases_router(config, catalogue, changes),
        versions_router(config, catalogue, changes, uploads, resumable),
        uploads_router(config, resumable),
        tags_router(changes),
        logs_router(feed, Audit(registry, storage)),
        health_router(Readiness(registry, engine, probe), metrics),
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        sweeping = asyncio.create_task(resumable.sweep_regularly())
        with feed:
            yield
        sweeping.cancel()
        for threads in (encoding, storage, receiving):
            threads.close()

    app = FastAPI(
        title=TITLE,
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,  # our own routes show the document: FastAPI's page loads from elsewhere
        redirect_slashes=False,
        # Nothing leaves by itself: FastAPI would report to what OpenTelemetry finds around it.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )

    @cache
    def document() -> JsonObject:
        return build_document(app.routes)

    routers.append(documentation_router(document))
    for router in routers:
        app.include_router(router)
    _answer_framework_errors(app, routers)
    _add_guards(app, config, metrics)
    return app


def _add_guards(app: FastAPI, config: ServerConfig, metrics: Metrics) -> None:
    """Put the guards around the application, the innermost first."""
    limits = BodyLimits(config.json_bytes, config.body_idle_s, config.json_body_s)
    app.add_middleware(
        OriginGuard,
        port=config.port,
        published=config.beyond_loopback,
        names=config.host_names,
    )
    app.add_middleware(Failures)
    app.add_middleware(BodyGuard, limits=limits)
    app.add_middleware(Observation, metrics=metrics)
    app.add_middleware(RequestId)


def _answer_framework_errors(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Turn what FastAPI and Starlette raise into problems of ours."""

    async def answer(request: Request, error: Exception) -> Response:
        return problem_response(_own_error(error, request, routers), request_id_of(request.scope))

    app.add_exception_handler(HTTPException, answer)
    app.add_exception_handler(RequestValidationError, answer)


def _own_error(error: Exception, request: Request, routers: Sequence[APIRouter]) -> Exception:
    path: str = request.scope["path"]
    match error:
        case RequestValidationError():
            return invalid_request(error.errors())
        case HTTPException(status_code=404):
            return RouteNotFound(path)
        case HTTPException(status_code=405):
            return MethodNotAllowed(request.method, _allowed_methods(routers, path))
        case _:
            return error


def _allowed_methods(routers: Sequence[APIRouter], path: str) -> list[str]:
    """Return the methods of all routes with this path; the framework looks at the first only."""
    return sorted(
        {
            method
            for router in routers
            for route in router.routes
            if isinstance(route, APIRoute) and route.path_regex.match(path)
            for method in route.methods or ()
        }
    )
