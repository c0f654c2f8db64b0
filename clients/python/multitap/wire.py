"""The JSON that clients and servers exchange: HTTP contract, version 1.

Requests refuse unknown fields (a typo is an error); answers ignore them (a newer server is not).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import Discriminator, FailFast, Field, Tag, ValidationInfo, field_validator

from .message import Answer, Request
from .predictions import Prediction, PredictionT, parse_prediction, require_prediction

JsonObject: TypeAlias = dict[str, Any]
HeadKind = Literal[
    "classification", "multilabel", "regression", "tagging", "question_answering", "embedding"
]
Aggregation: TypeAlias = Literal["entity", "token"]
VersionNumber = Annotated[int, Field(ge=1, lt=10**18)]
# Without NUL, which not every database can keep.
Reason: TypeAlias = Annotated[str, Field(max_length=1_000, pattern=r"^[^\x00]*$")]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class TextInput(Request):
    """One text, or a pair of texts."""

    text: str
    text_pair: str | None = None


class QuestionInput(Request):
    """A question and the text that may hold its answer."""

    question: str
    context: str


class TokensInput(Request):
    """A text that its sender has split into words."""

    tokens: Annotated[list[str], FailFast()] = Field(min_length=1)


def _input_form(value: object) -> str | None:
    """Name the one form that an input has, so that its errors speak of that form only."""
    if isinstance(value, str):
        return "<text>"
    if isinstance(value, dict):
        fields = cast("Mapping[object, object]", value)
    elif isinstance(value, Request):
        fields = cast("Mapping[object, object]", type(value).model_fields)
    else:
        return None
    if "question" in fields or "context" in fields:
        return "<question>"
    return "<tokens>" if "tokens" in fields else "<object>"


def _inputs_form(value: object) -> str:
    return "<list>" if isinstance(value, list) else "<one>"


Input: TypeAlias = Annotated[
    Annotated[str, Tag("<text>")]
    | Annotated[TextInput, Tag("<object>")]
    | Annotated[QuestionInput, Tag("<question>")]
    | Annotated[TokensInput, Tag("<tokens>")],
    Discriminator(
        _input_form,
        custom_error_type="input_form",
        custom_error_message="Input should be a string or an object",
    ),
]
Inputs: TypeAlias = Annotated[
    Annotated[Input, Tag("<one>")] | Annotated[list[Input], Field(min_length=1), Tag("<list>")],
    Discriminator(_inputs_form),
]


class Parameters(Request):
    """Settings of one call; each kind of task takes some of them."""

    timeout_ms: Annotated[int, Field(ge=1, le=600_000)] | None = None
    truncate: bool = True
    top_k: Annotated[int, Field(ge=1, le=10_000)] | None = None
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    aggregation: Aggregation | None = None
    max_answer_tokens: Annotated[int, Field(ge=1, le=512)] | None = None
    normalize: bool | None = None


class PredictRequest(Request):
    """The body of POST /predict/{reference}."""

    inputs: Inputs
    parameters: Parameters = Parameters()


class TasksPredictRequest(Request):
    """The body of POST /predict: every input through every task."""

    tasks: Annotated[list[str], FailFast()] = Field(min_length=1)
    inputs: Inputs
    parameters: Parameters = Parameters()


class RowRequest(Request):
    """One row of a mixed call."""

    task: str
    input: Input


class RowsPredictRequest(Request):
    """The body of POST /predict: any mix of tasks, row by row."""

    rows: list[RowRequest] = Field(min_length=1)
    parameters: Parameters = Parameters()


class Usage(Answer):
    """What a call cost: rows, tokens run, and rows that were cut to the task's length."""

    rows: int
    tokens: int
    truncated: int


class PredictAnswer(Answer):
    """The answer of one task to its inputs, in their order."""

    task: str
    version: int
    digest: str
    kind: HeadKind
    predictions: list[Prediction]
    usage: Usage

    def typed(self, model: type[PredictionT]) -> list[PredictionT]:
        """Return the predictions as the type of their kind. Raises: TypeError, if it is another."""
        return [require_prediction(each, model) for each in self.predictions]

    @field_validator("predictions", mode="before")
    @classmethod
    def _parse(cls, values: object, info: ValidationInfo) -> object:
        kind = info.data.get("kind")
        if kind is None or not isinstance(values, list):
            return values
        return [parse_prediction(kind, value) for value in cast("list[object]", values)]


class Fault(Answer):
    """One fault of a body or a file, and where it is."""

    at: str
    message: str


class Problem(Answer):
    """An error (RFC 9457); `code` is the contract."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[Fault] | None = None


class ProblemResult(Answer):
    """The place of a part of a call that failed."""

    problem: Problem


class RowAnswer(Answer):
    """The answer to one row of a mixed call."""

    task: str
    version: int
    digest: str
    kind: HeadKind
    prediction: Prediction

    def typed(self, model: type[PredictionT]) -> PredictionT:
        """Return the prediction as the type of its kind. Raises: TypeError, if it is another."""
        return require_prediction(self.prediction, model)

    @field_validator("prediction", mode="before")
    @classmethod
    def _parse(cls, value: object, info: ValidationInfo) -> object:
        kind = info.data.get("kind")
        return value if kind is None else parse_prediction(kind, value)


class TasksPredictAnswer(Answer):
    """One answer, or one problem, per task."""

    results: list[PredictAnswer | ProblemResult]


class RowsPredictAnswer(Answer):
    """One answer, or one problem, per row."""

    results: list[RowAnswer | ProblemResult]


class Task(Answer):
    """A task and where its aliases point."""

    task: str
    kind: HeadKind
    labels: list[str]
    live: int | None
    aliases: dict[str, int]
    versions: int
    servable: bool
    created_at: datetime
    updated_at: datetime


class TaskList(Answer):
    """A page of tasks; `next` is the cursor of the next page."""

    tasks: list[Task]
    next: str | None


class Version(Answer):
    """One immutable version of a task."""

    task: str
    version: int
    digest: str
    size_bytes: int
    kind: HeadKind
    labels: list[str]
    spec: JsonObject
    aliases: list[str]
    state: Literal["ready", "deleted"]
    servable: bool
    created_at: datetime
    created_by: str
    tags: list[str] = Field(default_factory=list[str])


class VersionList(Answer):
    """A page of versions, newest first."""

    versions: list[Version]
    next: str | None


class PointRequest(Request):
    """The body of PUT .../aliases/{alias}; an absent `expected` means: wherever it was."""

    version: VersionNumber
    expected: VersionNumber | None = None
    reason: Reason | None = None


class RollbackRequest(Request):
    """The body of POST .../aliases/{alias}/rollback; `expected` as for PUT."""

    expected: VersionNumber | None = None
    reason: Reason | None = None


class UploadRequest(Request):
    """The body of POST /uploads: the size of the file, and the digest that it will have."""

    size_bytes: Annotated[int, Field(ge=1, lt=10**18)]
    digest: Digest | None = None


class PublishUploadRequest(Request):
    """The body of POST .../versions?upload=, which may be left out."""

    digest: Digest | None = None


class Upload(Answer):
    """An upload in parts: `offset` of its bytes have arrived; it ends if none come until then."""

    upload: str
    offset: int
    size_bytes: int
    expires_at: datetime


class Health(Answer):
    """The answer of /livez."""

    status: Literal["alive"]


class Readiness(Answer):
    """The answer of /readyz: predictions are answered; `errors` say what else is not, and why.

    A server that is degraded answers for adapters in memory, and may refuse to load others, to
    publish and to change.
    """

    status: Literal["ready", "degraded"]
    errors: list[Fault] | None = None
