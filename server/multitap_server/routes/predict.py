"""Predictions: one task in the path, or many tasks in one body."""

import asyncio
from functools import partial
from typing import Final, TypeVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from multitap.wire import (
    JsonObject,
    PredictAnswer,
    PredictRequest,
    ProblemResult,
    RowAnswer,
    RowsPredictAnswer,
    RowsPredictRequest,
    TasksPredictAnswer,
    TasksPredictRequest,
)
from multitap_server.config import ServerConfig
from multitap_server.departure import client_gone
from multitap_server.errors import TooLarge
from multitap_server.guards.failures import log_failure
from multitap_server.guards.request_id import request_id_of
from multitap_server.predictions import Call, Predictions
from multitap_server.problems import build_problem
from multitap_server.request_body import parse_model, read_json
from multitap_server.responses import json_response
from multitap_server.strict_json import JsonValue

from .declared import JSON_BODY, PREDICT, json_body, problems
from .strict import strict_router

AnswerT = TypeVar("AnswerT", PredictAnswer, RowAnswer)
_ONE: Final[dict[str, JsonObject]] = {
    "texts": {"inputs": ["A joy from start to finish."], "parameters": {"top_k": 2}},
    "pairs": {"inputs": [{"text": "He left.", "text_pair": "He went."}]},
    "tokens": {"inputs": {"tokens": ["Ada", "met", "Charles", "Babbage"]}},
    "questions": {"inputs": {"question": "Whom did Ada meet?", "context": "Ada met Charles."}},
}
_MANY: Final[dict[str, JsonObject]] = {
    "tasks": {"tasks": ["sentiment", "spam@2"], "inputs": ["Call now to claim your prize!"]},
    "rows": {"rows": [{"task": "sentiment", "input": "A joy."}, {"task": "spam", "input": "Hi"}]},
}
_MANY_MODELS: Final = ("TasksPredictRequest", "RowsPredictRequest")


def predict_router(config: ServerConfig, predictions: Predictions) -> APIRouter:
    """Return the routes that predict."""
    router = strict_router("predict")

    @router.post(
        "/predict/{reference}",
        operation_id="predict",
        summary="Answer inputs with one task",
        response_model=PredictAnswer,
        responses=problems(*JSON_BODY, *PREDICT),
        openapi_extra=json_body("PredictRequest", examples=_ONE),
    )
    async def predict(reference: str, request: Request) -> Response:
        """`reference` is `task`, `task@7` or `task@alias`; a bare task means `task@live`."""
        call = _call(request)
        document = await read_json(request, max_depth=config.json_depth)
        _require_few_rows(document, config.rows_per_call)
        body = parse_model(PredictRequest, document)
        answer = await predictions.predict(reference, body, call)
        return json_response(answer, leave_out_none=True)

    @router.post(
        "/predict",
        operation_id="predict_many",
        summary="Answer inputs with many tasks in one call",
        response_model=TasksPredictAnswer | RowsPredictAnswer,
        responses=problems(*JSON_BODY, "overloaded", "unavailable"),
        openapi_extra=json_body(*_MANY_MODELS, examples=_MANY),
    )
    async def predict_many(request: Request) -> Response:
        """`tasks` and `inputs`: every input through every task. `rows`: any mix, row by row.

        A part that fails is a problem in its place; the others are answered.
        """
        call = _call(request)
        document = await read_json(request, max_depth=config.json_depth)
        _require_few_rows(document, config.rows_per_call)
        if isinstance(document, dict) and "rows" in document:
            rows = await predictions.predict_rows(parse_model(RowsPredictRequest, document), call)
            answer = RowsPredictAnswer(results=[_shown(each, request) for each in rows])
            return json_response(answer, leave_out_none=True)
        tasks = await predictions.predict_tasks(parse_model(TasksPredictRequest, document), call)
        results = [_shown(each, request) for each in tasks]
        return json_response(TasksPredictAnswer(results=results), leave_out_none=True)

    return router


def _call(request: Request) -> Call:
    return Call(asyncio.get_running_loop().time(), partial(client_gone, request))


def _shown(outcome: AnswerT | Exception, request: Request) -> AnswerT | ProblemResult:
    """Return a part's answer, or its problem in its place."""
    if not isinstance(outcome, Exception):
        return outcome
    request_id = request_id_of(request.scope)
    log_failure(outcome, request_id)
    return ProblemResult(problem=build_problem(outcome, request_id))


def _require_few_rows(document: JsonValue, limit: int) -> None:
    """Refuse long lists before every entry is validated, and may be a fault to list."""
    if not isinstance(document, dict):
        return
    for field in ("inputs", "rows", "tasks"):
        values = document.get(field)
        if isinstance(values, list) and len(values) > limit:
            raise TooLarge(field, limit, "entries")
