"""What training asks of a kind of head: to read its rows, and to say what is learned from them.

A kind reads examples; an objective is a kind that has seen the training rows, and so knows the
label names. Shape suffixes: T tokens of all rows, R rows, O outputs.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, TypeVar

from torch import Tensor

from multitap_adapters.spec import Head
from multitap_adapters.tokenizer import Tokenizer
from multitap_training.labelled_rows import LabelledRows
from multitap_training.scores import Score
from multitap_training.source import SourceRow

ExampleT = TypeVar("ExampleT")
ExampleT_contra = TypeVar("ExampleT_contra", contravariant=True)
Pooling: TypeAlias = Literal["mean", "cls"]


class Objective(Protocol[ExampleT_contra]):
    """What a head of one kind learns, and how well it does."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The label names, in the order of the head's outputs; empty where a kind has none."""
        ...

    @property
    def whole(self) -> frozenset[str]:
        """The names of tensors that are saved as fp32, whatever the file's type is."""
        ...

    def head(self, pooling: Pooling) -> Head:
        """Return the head that is trained."""
        ...

    def encode(
        self, path: Path, examples: Sequence[ExampleT_contra], tokenizer: Tokenizer, max_tokens: int
    ) -> LabelledRows:
        """Tokenize examples of a file, each with its target.

        Raises:
            DataError: an example has a label that no training row has.
        """
        ...

    def loss(self, outputs: Tensor, targets: Sequence[Tensor]) -> Tensor:
        """Return the mean loss of a batch, given the head's outputs: `[R, O]`, or `[T, O]`."""
        ...

    def scores(self, outputs: Sequence[Tensor], rows: LabelledRows) -> tuple[Score, ...]:
        """Return the scores of rows that `encode` gave, the one that chooses the best epoch first.

        `outputs` are `[O]` for each row, or `[T, O]` of its tokens.
        """
        ...

    def finish(self, tensors: Mapping[str, Tensor]) -> "Objective[ExampleT_contra]":
        """Turn trained tensors into those that are saved, in place; return their objective."""
        ...


class Kind(Protocol[ExampleT]):
    """How the files of one kind of task are read."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that every row has."""
        ...

    def parse(self, row: SourceRow) -> ExampleT:
        """Return a row as an example. Raises: DataError."""
        ...

    def names(self, example: ExampleT) -> tuple[str, ...]:
        """Return the label names in an example; each must be left in training somewhere."""
        ...

    def objective(self, path: Path, examples: Sequence[ExampleT]) -> Objective[ExampleT]:
        """Return what is learned from all rows of the training file.

        Raises:
            DataError: there is nothing to learn, such as one label only.
            SettingsError: a setting does not fit the labels.
        """
        ...
