"""What turns hidden states into answers: a stack of linear layers and the kind of its output."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from .model import SpecModel
from .modules import Activation

HeadKind = Literal[
    "classification", "multilabel", "regression", "tagging", "question_answering", "embedding"
]
Label = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class HeadLayer(SpecModel):
    """One linear layer: ``activation(W z + b)``."""

    out: int = Field(ge=1, le=65_536)
    bias: bool = True
    activation: Activation = "none"


class Head(SpecModel):
    """The layers over the hidden states, and what their output means.

    ``input``: ``cls`` (the first token), ``mean`` (of all tokens, the special ones included) or
    ``tokens`` (every token). ``normalize`` scales an embedding to length one.
    """

    kind: HeadKind
    labels: tuple[Label, ...] = Field(default=(), max_length=10_000)
    input: Literal["cls", "mean", "tokens"]
    layers: tuple[HeadLayer, ...] = Field(default=(), max_length=8)
    normalize: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels must be distinct")
        if (self.kind in ("tagging", "question_answering")) != (self.input == "tokens"):
            raise ValueError(f"a {self.kind} head cannot have input {self.input!r}")
        if self.normalize and self.kind != "embedding":
            raise ValueError("normalize belongs to an embedding head")
        self._check_labels()
        self._check_outputs()
        return self

    def _check_labels(self) -> None:
        least = {"classification": 2, "multilabel": 1, "tagging": 1}.get(self.kind, 0)
        if len(self.labels) < least:
            raise ValueError(
                f"a {self.kind} head needs {least} labels or more, got {len(self.labels)}"
            )
        if not least and self.labels:
            raise ValueError(f"a {self.kind} head has no labels, got {len(self.labels)}")

    def _check_outputs(self) -> None:
        expected = {"regression": 1, "question_answering": 2}.get(self.kind, len(self.labels))
        if self.kind != "embedding" and (not self.layers or self.layers[-1].out != expected):
            out = self.layers[-1].out if self.layers else None
            raise ValueError(
                f"the last layer of this {self.kind} head must have out {expected}, got {out}"
            )
