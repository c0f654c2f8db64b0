"""multitap: one frozen transformer, one small adapter per task, one forward pass for all of them.

The names below are the Python client. They are imported on first use, so that ``multitap --help``
and programs that need the wire types alone do not pay for an HTTP client.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .async_client import AsyncClient
    from .client import Client
    from .errors import (
        AliasConflict,
        AliasNotFound,
        BackboneMismatch,
        BodyTooSlow,
        ConnectionFailed,
        CorruptBlob,
        DeadlineExceeded,
        DigestMismatch,
        Forbidden,
        InternalError,
        InvalidAdapter,
        InvalidInput,
        InvalidRequest,
        InvalidUrl,
        MalformedJson,
        MethodNotAllowed,
        MultitapError,
        NothingToRollBackTo,
        Overloaded,
        QuotaExceeded,
        RequestTimedOut,
        RouteNotFound,
        ServerError,
        StorageFull,
        TaskNotFound,
        TooLarge,
        Unauthenticated,
        Unavailable,
        UnsupportedMediaType,
        UploadConflict,
        UploadDigestMismatch,
        UploadNotFound,
        VersionInUse,
        VersionNotFound,
    )
    from .logs import AliasMove, AuditLine, Event, EventList
    from .predictions import (
        AnswerSpan,
        ClassificationPrediction,
        EmbeddingPrediction,
        Entity,
        LabelScore,
        MultilabelPrediction,
        Prediction,
        QuestionAnsweringPrediction,
        RegressionPrediction,
        TaggingPrediction,
    )
    from .publication import Publication
    from .retries import Retries
    from .unset import UNSET, Unset
    from .wire import (
        Fault,
        PredictAnswer,
        ProblemResult,
        QuestionInput,
        RowAnswer,
        RowRequest,
        RowsPredictAnswer,
        Task,
        TasksPredictAnswer,
        TextInput,
        TokensInput,
        Usage,
        Version,
    )

__version__ = "0.1.0"

__all__ = [
    "UNSET",
    "AliasConflict",
    "AliasMove",
    "AliasNotFound",
    "AnswerSpan",
    "AsyncClient",
    "AuditLine",
    "BackboneMismatch",
    "BodyTooSlow",
    "ClassificationPrediction",
    "Client",
    "ConnectionFailed",
    "CorruptBlob",
    "DeadlineExceeded",
    "DigestMismatch",
    "EmbeddingPrediction",
    "Entity",
    "Event",
    "EventList",
    "Fault",
    "Forbidden",
    "InternalError",
    "InvalidAdapter",
    "InvalidInput",
    "InvalidRequest",
    "InvalidUrl",
    "LabelScore",
    "MalformedJson",
    "MethodNotAllowed",
    "MultilabelPrediction",
    "MultitapError",
    "NothingToRollBackTo",
    "Overloaded",
    "PredictAnswer",
    "Prediction",
    "ProblemResult",
    "Publication",
    "QuestionAnsweringPrediction",
    "QuestionInput",
    "QuotaExceeded",
    "RegressionPrediction",
    "RequestTimedOut",
    "Retries",
    "RouteNotFound",
    "RowAnswer",
    "RowRequest",
    "RowsPredictAnswer",
    "ServerError",
    "StorageFull",
    "TaggingPrediction",
    "Task",
    "TaskNotFound",
    "TasksPredictAnswer",
    "TextInput",
    "TokensInput",
    "TooLarge",
    "Unauthenticated",
    "Unavailable",
    "Unset",
    "UnsupportedMediaType",
    "UploadConflict",
    "UploadDigestMismatch",
    "UploadNotFound",
    "Usage",
    "Version",
    "VersionInUse",
    "VersionNotFound",
]

_HOMES = {
    "async_client": ("AsyncClient",),
    "client": ("Client",),
    "logs": ("AliasMove", "AuditLine", "Event", "EventList"),
    "predictions": (
        "AnswerSpan",
        "ClassificationPrediction",
        "EmbeddingPrediction",
        "Entity",
        "LabelScore",
        "MultilabelPrediction",
        "Prediction",
        "QuestionAnsweringPrediction",
        "RegressionPrediction",
        "TaggingPrediction",
    ),
    "publication": ("Publication",),
    "retries": ("Retries",),
    "unset": ("UNSET", "Unset"),
    "wire": (
        "Fault",
        "PredictAnswer",
        "ProblemResult",
        "QuestionInput",
        "RowAnswer",
        "RowRequest",
        "RowsPredictAnswer",
        "Task",
        "TasksPredictAnswer",
        "TextInput",
        "TokensInput",
        "Usage",
        "Version",
    ),
}


if not TYPE_CHECKING:  # type checkers would take every name for granted

    def __getattr__(name: str) -> object:
        if name not in __all__:
            message = f"module 'multitap' has no attribute {name!r}"
            raise AttributeError(message)
        home = next((module for module, names in _HOMES.items() if name in names), "errors")
        return getattr(import_module(f"multitap.{home}"), name)
