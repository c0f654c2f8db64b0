"""The engine: rows of any mix of tasks in, head outputs out, in as few forward passes as fit."""

from .contract import (
    Encoded,
    EncodedQuestion,
    EncodedRow,
    EncodedWords,
    Engine,
    EngineStatistics,
    Output,
    QuestionRow,
    Row,
    TextRow,
    TokensRow,
)
from .settings import EngineSettings

__all__ = [
    "Encoded",
    "EncodedQuestion",
    "EncodedRow",
    "EncodedWords",
    "Engine",
    "EngineSettings",
    "EngineStatistics",
    "Output",
    "QuestionRow",
    "Row",
    "TextRow",
    "TokensRow",
]
