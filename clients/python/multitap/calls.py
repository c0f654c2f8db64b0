"""Every call of the HTTP contract as a value: what to send, and how to read the answer. Pure.

The clients are shells that perform these; nothing here opens a connection.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar, cast
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from .answers import parse_publication, parse_readiness, reader, require_success
from .errors import InvalidInput
from .files import UploadSource
from .publication import Publication
from .retries import Repeat
from .wire import (
    Aggregation,
    Input,
    PredictAnswer,
    RowRequest,
    RowsPredictAnswer,
    Task,
    TaskList,
    TasksPredictAnswer,
    Upload,
    Version,
    VersionList,
)

ResultT_co = TypeVar("ResultT_co", covariant=True)
JsonValue: TypeAlias = "str | int | float | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
InputLike: TypeAlias = Input | Mapping[str, JsonValue]
InputsLike: TypeAlias = InputLike | Iterable[InputLike]
RowLike: TypeAlias = RowRequest | tuple[str, InputLike]

PAGE_SIZE = 100
PUSH_TIMEOUT_S = 120.0  # validation and a canary row follow the last byte
GRACE_S = 10.0  # the server's own answer to a missed deadline should arrive before we give up


@dataclass(frozen=True, slots=True)
class Call(Generic[ResultT_co]):
    """One request and the function that reads its response.

    `timeout_s` is the wait for the answer; None leaves it to the client.
    """

    method: str
    path: str
    parse: Callable[[httpx.Response], ResultT_co]
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | UploadSource | None = None
    more_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    timeout_s: float | None = None
    repeat: Repeat = "always"

    def headers(self) -> dict[str, str]:
        """Return the headers that describe the body, and those that belong to the call."""
        match self.body:
            case None:
                described = {}
            case UploadSource(size_bytes=size_bytes):
                described = {
                    "content-type": "application/octet-stream",
                    "content-length": str(size_bytes),
                }
            case _:
                described = {"content-type": "application/json"}
        return {**described, **self.more_headers}


@dataclass(frozen=True, slots=True)
class Settings:
    """The parameters of a predict call, as the contract names them."""

    top_k: int | None = None
    timeout_ms: int | None = None
    truncate: bool = True
    threshold: float | None = None
    aggregation: Aggregation | None = None
    max_answer_tokens: int | None = None
    normalize: bool | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return those that differ from the contract's defaults."""
        chosen: dict[str, JsonValue | None] = {
            "top_k": self.top_k,
            "timeout_ms": self.timeout_ms,
            "truncate": None if self.truncate else False,
            "threshold": self.threshold,
            "aggregation": self.aggregation,
            "max_answer_tokens": self.max_answer_tokens,
            "normalize": self.normalize,
        }
        return {name: value for name, value in chosen.items() if value is not None}

    @property
    def wait_s(self) -> float | None:
        """How long to wait for the answer: the deadline and some grace; None without a deadline."""
        return None if self.timeout_ms is None else self.timeout_ms / 1000 + GRACE_S


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks a listing shows: every condition that is given must hold."""

    kind: str | None = None
    query: str = ""
    label: str | None = None
    tag: str | None = None
    language: str | None = None
    licence: str | None = None
    text: str | None = None

    def to_params(self) -> dict[str, str]:
        """Return the conditions that were given, as the contract names them."""
        conditions = {
            "kind": self.kind,
            "q": self.query or None,
            "label": self.label,
            "tag": self.tag,
            "language": self.language,
            "licence": self.licence,
            "text": self.text,
        }
        return {name: text for name, text in conditions.items() if text is not None}


def predict(reference: str, inputs: InputsLike, settings: Settings) -> Call[PredictAnswer]:
    """POST /predict/{reference}. Raises: InvalidInput."""
    body = {"inputs": _inputs(inputs)}
    path = f"/predict/{segment(reference)}"
    return _predict_call(path, body, settings, reader(PredictAnswer))


def predict_tasks(
    references: Iterable[str], inputs: InputsLike, settings: Settings
) -> Call[TasksPredictAnswer]:
    """POST /predict: every input through every task. Raises: InvalidInput."""
    body = {"tasks": list(references), "inputs": _inputs(inputs)}
    return _predict_call("/predict", body, settings, reader(TasksPredictAnswer))


def predict_rows(rows: Iterable[RowLike], settings: Settings) -> Call[RowsPredictAnswer]:
    """POST /predict: any mix of tasks, row by row. Raises: InvalidInput."""
    body: dict[str, JsonValue] = {"rows": [_row(row) for row in rows]}
    return _predict_call("/predict", body, settings, reader(RowsPredictAnswer))


def tasks(where: TaskFilter, *, after: str | None, limit: int) -> Call[TaskList]:
    """GET /tasks: one page."""
    params = {"limit": str(limit)} | ({"after": after} if after is not None else {})
    return Call("GET", "/tasks", reader(TaskList), params=params | where.to_params())


def task(name: str) -> Call[Task]:
    """GET /tasks/{task}."""
    return Call("GET", f"/tasks/{segment(name)}", reader(Task))


def versions(name: str, *, tag: str | None, after: str | None, limit: int) -> Call[VersionList]:
    """GET /tasks/{task}/versions: one page."""
    params = {"limit": str(limit)} | ({"after": after} if after is not None else {})
    params |= {"tag": tag} if tag is not None else {}
    return Call("GET", f"/tasks/{segment(name)}/versions", reader(VersionList), params=params)


def version(name: str, number: int) -> Call[Version]:
    """GET /tasks/{task}/versions/{version}."""
    return Call("GET", f"/tasks/{segment(name)}/versions/{number}", reader(Version))


def push(name: str, source: UploadSource, *, alias: str | None) -> Call[Publication]:
    """POST /tasks/{task}/versions."""
    return Call(
        "POST",
        f"/tasks/{segment(name)}/versions",
        parse_publication,
        params={} if alias is None else {"alias": alias},
        body=source,
        timeout_s=PUSH_TIMEOUT_S,
    )


def open_upload(size_bytes: int, digest: str) -> Call[Upload]:
    """POST /uploads."""
    body = encode({"size_bytes": size_bytes, "digest": digest})
    return Call("POST", "/uploads", reader(Upload), body=body)


def upload(upload_id: str) -> Call[Upload]:
    """GET /uploads/{upload}."""
    return Call("GET", f"/uploads/{segment(upload_id)}", reader(Upload))


def append(upload_id: str, part: UploadSource) -> Call[Upload]:
    """PATCH /uploads/{upload}: add a part where it belongs."""
    return Call(
        "PATCH",
        f"/uploads/{segment(upload_id)}",
        reader(Upload),
        body=part,
        more_headers={"upload-offset": str(part.start)},
    )


def publish_upload(name: str, upload_id: str, *, alias: str | None) -> Call[Publication]:
    """POST /tasks/{task}/versions?upload=."""
    params = {"upload": upload_id} | ({} if alias is None else {"alias": alias})
    path = f"/tasks/{segment(name)}/versions"
    return Call("POST", path, parse_publication, params=params, timeout_s=PUSH_TIMEOUT_S)


def discard_upload(upload_id: str) -> Call[None]:
    """DELETE /uploads/{upload}."""
    return Call("DELETE", f"/uploads/{segment(upload_id)}", require_success)


def file_path(record: Version) -> str:
    """GET .../file: the path of a version's bytes, which are streamed, not parsed."""
    return f"/tasks/{segment(record.task)}/versions/{record.version}/file"


def ready() -> Call[bool]:
    """GET /readyz."""
    return Call("GET", "/readyz", parse_readiness, repeat="never")


def _predict_call(
    path: str,
    body: Mapping[str, JsonValue],
    settings: Settings,
    parse: Callable[[httpx.Response], ResultT_co],
) -> Call[ResultT_co]:
    parameters = settings.to_json()
    encoded = encode({**body, "parameters": parameters} if parameters else body)
    return Call("POST", path, parse, body=encoded, timeout_s=settings.wait_s)


def _inputs(inputs: InputsLike) -> JsonValue:
    if isinstance(inputs, str | BaseModel | Mapping):
        return _input(cast("InputLike", inputs))
    return [_input(each) for each in inputs]


def _input(value: InputLike) -> JsonValue:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    return {**value} if isinstance(value, Mapping) else value


def _row(row: RowLike) -> JsonValue:
    if isinstance(row, RowRequest):
        return {"task": row.task, "input": _input(row.input)}
    reference, value = row
    return {"task": reference, "input": _input(value)}


def encode(body: Mapping[str, JsonValue]) -> bytes:
    """Return a body as JSON. Raises: InvalidInput."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"the call cannot be sent as JSON: {error}") from error


def segment(text: str) -> str:
    """Return a name as one segment of a path."""
    return quote(text, safe="@")
