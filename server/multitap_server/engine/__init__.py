"""The engine: rows of any mix of tasks in, head outputs out, in as few forward passes as fit."""

from .contract import EncodedRow, Engine, EngineStatistics, Output, TextRow
from .settings import EngineSettings

__all__ = ["EncodedRow", "Engine", "EngineSettings", "EngineStatistics", "Output", "TextRow"]
