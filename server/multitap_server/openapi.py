"""The OpenAPI document: FastAPI's, with the bodies and problems that routes handle themselves."""

from collections.abc import Sequence
from typing import Final

from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from multitap import __version__
from multitap.wire import (
    JsonObject,
    PointRequest,
    PredictRequest,
    Problem,
    PublishUploadRequest,
    RollbackRequest,
    RowsPredictRequest,
    TasksPredictRequest,
    UploadRequest,
)

from .routes.declared import SCHEMAS

TITLE: Final = "multitap"
DESCRIPTION: Final = (
    "Many fine-tuned tasks from one frozen transformer. "
    "Errors are problem documents (RFC 9457), and their `code` is the contract."
)
_MODELS: Final = (
    PointRequest,
    PredictRequest,
    Problem,
    PublishUploadRequest,
    RollbackRequest,
    RowsPredictRequest,
    TasksPredictRequest,
    UploadRequest,
)


def build_document(routes: Sequence[BaseRoute]) -> JsonObject:
    """Return the document that describes these routes."""
    document: JsonObject = get_openapi(
        title=TITLE,
        version=__version__,
        description=DESCRIPTION,
        routes=routes,
        separate_input_output_schemas=False,
    )
    _, definitions = models_json_schema(
        [(model, "validation") for model in _MODELS], ref_template=f"{SCHEMAS}{{model}}"
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(definitions["$defs"])
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document
