"""How adapters are made and measured."""

from .errors import DataError, SettingsError, TrainingError
from .loop import Progress
from .scores import Score
from .settings import TrainingSettings
from .trainer import CardFacts, Files, TrainingResult, train_adapter, write_file

__all__ = [
    "CardFacts",
    "DataError",
    "Files",
    "Progress",
    "Score",
    "SettingsError",
    "TrainingError",
    "TrainingResult",
    "TrainingSettings",
    "train_adapter",
    "write_file",
]
