"""What training refuses, in one line each.

TrainingError
├── DataError       a file that cannot be trained on; carries the path and the line
└── SettingsError   a setting out of its range
"""

from pathlib import Path


class TrainingError(Exception):
    """Base of what training refuses."""


class DataError(TrainingError):
    """A labelled file with a fault; `line` counts from 1 and is None for the file as a whole."""

    def __init__(self, path: Path, line: int | None, message: str) -> None:
        self.path = path
        self.line = line
        self.message = message
        place = str(path) if line is None else f"{path}, line {line}"
        super().__init__(f"{place}: {message}")


class SettingsError(TrainingError):
    """A setting that cannot be used."""
