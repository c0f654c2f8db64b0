"""What people should know about an adapter: where it comes from and how well it does."""

from typing import Annotated

from pydantic import Field, StringConstraints

from .model import SpecModel
from .names import Digest, TaskName

Text = Annotated[str, StringConstraints(max_length=4_000)]
ShortText = Annotated[str, StringConstraints(max_length=200)]


class TrainingData(SpecModel):
    """One data set that the adapter was trained on."""

    name: ShortText
    rows: int = Field(ge=0)
    source: Text | None = None
    licence: Text | None = None
    sha256: Digest | None = None


class Metric(SpecModel):
    """One measured score, and the split it was measured on."""

    name: ShortText
    value: float
    split: ShortText
    rows: int = Field(ge=0)


class Card(SpecModel):
    """Facts for people; nothing here changes an answer."""

    task: TaskName | None = None
    description: Text | None = None
    languages: tuple[ShortText, ...] = ()
    licence: Text | None = None
    data: tuple[TrainingData, ...] = ()
    metrics: tuple[Metric, ...] = ()
    seed: int | None = None
    settings: dict[ShortText, str | int | float | bool] = Field(default_factory=dict)
    parent: Digest | None = None
    extra: dict[ShortText, Text] = Field(default_factory=dict)
