"""What `multitap train` was asked to do; without torch, so that the command can build it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What one run was asked to do; `settings` holds the chosen ones only."""

    out: Path
    train: Path
    validation: Path | None
    test: Path | None
    backbone: str
    threads: int | None
    settings: dict[str, str | int | float | bool]
    task: str
    description: str | None
    licence: str | None
    languages: tuple[str, ...]
    data_name: str | None
    source: str | None
