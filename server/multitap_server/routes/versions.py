"""Versions: uploaded, listed, shown, downloaded."""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter
from fastapi import Query as QueryParameters
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from multitap.wire import JsonObject, PublishUploadRequest, Reason, Version, VersionList
from multitap_server.caller import caller_of
from multitap_server.catalogue import Catalogue
from multitap_server.changes import Changes
from multitap_server.config import ServerConfig
from multitap_server.guards.body import BodyLimits, body_meter_of
from multitap_server.problems import UNSATISFIABLE_RANGE
from multitap_server.ranges import entity_tag, matches, parse_range
from multitap_server.request_body import (
    FILE_TYPES,
    BodyChunks,
    read_optional,
    require_media_type,
)
from multitap_server.responses import json_response
from multitap_server.resumable import ResumableUploads
from multitap_server.uploads import Uploads

from .declared import STORAGE, Responses, declare, file_body, json_body, problems
from .strict import Query, strict_router

_FILE_SCHEMA: Final[JsonObject] = {"schema": {"type": "string", "format": "binary"}}
_FILE_HEADERS: Final[JsonObject] = {
    "ETag": {"description": "The digest, quoted.", "schema": {"type": "string"}}
}


class UploadQuery(Query):
    """What to do with an upload."""

    alias: str | None = Field(default=None, description="alias that moves to the version")
    upload: str | None = Field(
        default=None,
        max_length=200,
        description="upload in parts that is whole, in place of a body",
    )


class VersionsQuery(Query):
    """Which versions to list."""

    limit: int = Field(default=100, ge=1, le=1_000, description="versions of a page")
    after: str | None = Field(default=None, max_length=200, description="`next` of the last page")
    tag: str | None = Field(default=None, max_length=200, description="only those with this tag")


class DeleteVersionQuery(Query):
    """How to delete a version."""

    reason: Reason | None = Field(default=None, description="why, for the audit log")


def versions_router(
    config: ServerConfig,
    catalogue: Catalogue,
    changes: Changes,
    uploads: Uploads,
    resumable: ResumableUploads,
) -> APIRouter:
    """Return the routes of versions."""
    router = strict_router("versions")
    _add_upload(router, config, catalogue, uploads, resumable)
    _add_reads(router, catalogue)
    _add_deletion(router, changes)
    _add_file(router, catalogue)
    return router


def _add_upload(
    router: APIRouter,
    config: ServerConfig,
    catalogue: Catalogue,
    uploads: Uploads,
    resumable: ResumableUploads,
) -> None:
    limits = BodyLimits(config.upload_bytes, config.body_idle_s, config.upload_body_s)

    @router.post(
        "/tasks/{task}/versions",
        operation_id="publish",
        summary="Publish an adapter file as a version",
        status_code=201,
        response_model=Version,
        responses=_publish_responses(),
        openapi_extra=_publish_body(),
    )
    async def publish(
        task: str, request: Request, query: Annotated[UploadQuery, QueryParameters()]
    ) -> Response:
        """The same bytes again give the version that exists, and status 200.

        With `upload`, the bytes are those of an upload in parts, and the body is JSON or empty.
        """
        caller = caller_of(request)
        if query.upload is not None:
            body = await read_optional(request, PublishUploadRequest, max_depth=config.json_depth)
            publication = await resumable.publish(
                task,
                query.upload,
                digest=body.digest,
                by=caller.by,
                alias=query.alias,
                request_id=caller.request_id,
            )
        else:
            require_media_type(request.headers, FILE_TYPES)
            body_meter_of(request.scope).limits = limits
            publication = await uploads.publish(
                task,
                BodyChunks(request),
                by=caller.by,
                alias=query.alias,
                request_id=caller.request_id,
            )
        version = catalogue.describe(publication.record)
        return json_response(
            version,
            status=201 if publication.created else 200,
            headers={"location": _location(version)},
        )


def _add_reads(router: APIRouter, catalogue: Catalogue) -> None:
    @router.get(
        "/tasks/{task}/versions",
        operation_id="versions",
        summary="List a task's versions, newest first",
        response_model=VersionList,
        responses=problems("task_not_found", *STORAGE),
    )
    async def versions(task: str, query: Annotated[VersionsQuery, QueryParameters()]) -> Response:
        page = await catalogue.versions(task, limit=query.limit, after=query.after, tag=query.tag)
        return json_response(page)

    @router.get(
        "/tasks/{task}/versions/{version}",
        operation_id="version",
        summary="Show one version",
        response_model=Version,
        responses=problems("task_not_found", "version_not_found", *STORAGE),
    )
    async def version(task: str, version: str) -> Response:
        return json_response(await catalogue.version(task, version))


def _add_deletion(router: APIRouter, changes: Changes) -> None:
    @router.delete(
        "/tasks/{task}/versions/{version}",
        operation_id="delete_version",
        summary="Delete a version",
        response_model=Version,
        responses=problems(
            "task_not_found", "version_not_found", "version_in_use", "storage_full", *STORAGE
        ),
    )
    async def delete_version(
        task: str,
        version: str,
        request: Request,
        query: Annotated[DeleteVersionQuery, QueryParameters()],
    ) -> Response:
        """Refused while an alias points there; its number is never used again."""
        caller = caller_of(request)
        deleted = await changes.delete_version(task, version, caller, reason=query.reason)
        return json_response(deleted)


def _add_file(router: APIRouter, catalogue: Catalogue) -> None:
    @router.get(
        "/tasks/{task}/versions/{version}/file",
        operation_id="version_file",
        summary="Download a version's adapter file",
        response_class=Response,
        responses=_file_responses(),
    )
    async def version_file(task: str, version: str, request: Request) -> Response:
        """Takes `If-None-Match`, and single ranges with `Range` and `If-Range`."""
        record = await catalogue.record(task, version)
        tag = entity_tag(record.digest)
        headers = {"etag": tag, "accept-ranges": "bytes"}
        if matches(request.headers, tag):
            return Response(status_code=304, headers=headers)
        part = parse_range(request.headers, tag, record.size_bytes)
        content = await catalogue.open_file(record, part)
        name = f"{record.task}-{record.version}.safetensors"
        headers["content-disposition"] = f'attachment; filename="{name}"'
        headers["content-length"] = str(record.size_bytes if part is None else part.length)
        if part is not None:
            headers["content-range"] = part.content_range()
        status = 200 if part is None else 206
        return StreamingResponse(content, status, headers, media_type=FILE_TYPES[0])


def _location(version: Version) -> str:
    return f"/tasks/{quote(version.task)}/versions/{version.version}"


def _publish_body() -> JsonObject:
    """Return the declaration of a file, or of what ends an upload in parts."""
    body = file_body(FILE_TYPES)
    ending = json_body("PublishUploadRequest", examples={"ending": {}})
    body["requestBody"]["content"].update(ending["requestBody"]["content"])
    body["requestBody"]["required"] = False
    return body


def _publish_responses() -> Responses:
    location = {"Location": {"description": "The version.", "schema": {"type": "string"}}}
    declared = problems(
        "request_timeout",
        "backbone_mismatch",
        "too_large",
        "unsupported_media_type",
        "invalid_adapter",
        "malformed_json",
        "upload_not_found",
        "upload_conflict",
        "upload_digest_mismatch",
        "storage_full",
        *STORAGE,
    )
    declared[200] = {
        "model": Version,
        "description": "These bytes are a version already.",
        "headers": location,
    }
    declared[201] = {"description": "The version was made.", "headers": location}
    return declared


def _file_responses() -> Responses:
    declared = problems("task_not_found", "version_not_found", "corrupt_blob", *STORAGE)
    declared[416] = declare(UNSATISFIABLE_RANGE)
    content = {FILE_TYPES[0]: _FILE_SCHEMA}
    whole = "The whole file."
    declared[200] = {"description": whole, "headers": _FILE_HEADERS, "content": content}
    declared[206] = {
        "description": "One range of it.",
        "headers": _FILE_HEADERS,
        "content": content,
    }
    declared[304] = {"description": "The client has it already.", "headers": _FILE_HEADERS}
    return declared
