"""Uploads in parts: opened, looked up, added to and given up; publishing is a version's route."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from multitap.wire import JsonObject, Upload, UploadRequest
from multitap_server.config import ServerConfig
from multitap_server.guards.body import BodyLimits, body_meter_of
from multitap_server.problems import OFFSET_HEADER
from multitap_server.request_body import (
    FILE_TYPES,
    BodyChunks,
    parse_model,
    read_json,
    read_offset,
    require_media_type,
)
from multitap_server.responses import json_response
from multitap_server.resumable import ResumableUploads

from .declared import JSON_BODY, STORAGE, Responses, file_body, json_body, problems
from .strict import strict_router

LENGTH_HEADER: Final = "upload-length"
_NUMBER: Final[JsonObject] = {"type": "integer", "minimum": 0}
_HEADERS: Final[JsonObject] = {
    "Upload-Offset": {"description": "Bytes that have arrived.", "schema": _NUMBER},
    "Upload-Length": {"description": "Bytes in all.", "schema": _NUMBER},
}
_OFFSET_PARAMETER: Final[JsonObject] = {
    "name": "Upload-Offset",
    "in": "header",
    "required": True,
    "description": "Where these bytes begin: what the upload has by now.",
    "schema": _NUMBER,
}


def uploads_router(config: ServerConfig, uploads: ResumableUploads) -> APIRouter:
    """Return the routes of uploads in parts."""
    router = strict_router("uploads")
    _add_open(router, config, uploads)
    _add_reads(router, uploads)
    _add_append(router, config, uploads)

    @router.delete(
        "/uploads/{upload}",
        operation_id="discard_upload",
        summary="Give up an upload",
        status_code=204,
        response_class=Response,
        responses=problems("upload_not_found", "upload_conflict", *STORAGE),
    )
    async def discard_upload(upload: str) -> Response:
        await uploads.discard(upload)
        return Response(status_code=204)

    return router


def _add_open(router: APIRouter, config: ServerConfig, uploads: ResumableUploads) -> None:
    @router.post(
        "/uploads",
        operation_id="open_upload",
        summary="Start an upload in parts",
        status_code=201,
        response_model=Upload,
        responses=_open_responses(),
        openapi_extra=json_body("UploadRequest", examples={"large": {"size_bytes": 268_435_456}}),
    )
    async def open_upload(request: Request) -> Response:
        """Add bytes with PATCH, then publish with `POST /tasks/{task}/versions?upload=`."""
        document = await read_json(request, max_depth=config.json_depth)
        body = parse_model(UploadRequest, document)
        upload = await uploads.open(body.size_bytes, body.digest)
        headers = _headers(upload) | {"location": f"/uploads/{upload.upload}"}
        return json_response(upload, status=201, headers=headers)


def _add_reads(router: APIRouter, uploads: ResumableUploads) -> None:
    @router.get(
        "/uploads/{upload}",
        operation_id="upload",
        summary="Show how much of an upload has arrived",
        response_model=Upload,
        responses=_upload_responses("upload_not_found"),
    )
    async def show_upload(upload: str) -> Response:
        found = uploads.show(upload)
        return json_response(found, headers=_headers(found))

    @router.head(
        "/uploads/{upload}",
        operation_id="upload_offset",
        summary="Show how much of an upload has arrived, in headers",
        response_class=Response,
        responses=_upload_responses("upload_not_found"),
    )
    async def show_offset(upload: str) -> Response:
        return Response(headers=_headers(uploads.show(upload)))


def _add_append(router: APIRouter, config: ServerConfig, uploads: ResumableUploads) -> None:
    limits = BodyLimits(config.upload_bytes, config.body_idle_s, config.upload_body_s)

    @router.patch(
        "/uploads/{upload}",
        operation_id="append_to_upload",
        summary="Add bytes to an upload",
        response_model=Upload,
        responses=_upload_responses(
            "upload_not_found",
            "upload_conflict",
            "request_timeout",
            "too_large",
            "unsupported_media_type",
            "storage_full",
            *STORAGE,
        ),
        openapi_extra={**file_body(FILE_TYPES), "parameters": [_OFFSET_PARAMETER]},
    )
    async def append_to_upload(upload: str, request: Request) -> Response:
        """What arrives counts, also where the connection is cut: ask for the offset, and go on.

        A new request for an upload ends an older one, which is answered with `upload_conflict`.
        """
        require_media_type(request.headers, FILE_TYPES)
        offset = read_offset(request.headers)
        body_meter_of(request.scope).limits = limits
        found = await uploads.append(upload, offset, BodyChunks(request))
        return json_response(found, headers=_headers(found))


def _headers(upload: Upload) -> dict[str, str]:
    return {
        OFFSET_HEADER: str(upload.offset),
        LENGTH_HEADER: str(upload.size_bytes),
        "cache-control": "no-store",
    }


def _upload_responses(*codes: str) -> Responses:
    return {**problems(*codes), 200: {"description": "The upload.", "headers": _HEADERS}}


def _open_responses() -> Responses:
    location = {"Location": {"description": "The upload.", "schema": {"type": "string"}}}
    declared = problems("quota_exceeded", "storage_full", *JSON_BODY, *STORAGE)
    declared[201] = {"description": "The upload was started.", "headers": {**_HEADERS, **location}}
    return declared
