"""Any number of labels: a sigmoid of each label's logit.

Shape suffixes: R rows, L labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from multitap_adapters.spec import Head, HeadLayer
from multitap_adapters.tokenizer import Tokenizer
from multitap_training.errors import DataError
from multitap_training.labelled_rows import LabelledRows
from multitap_training.scores import Score, multilabel_scores
from multitap_training.source import SourceRow

from .contract import Pooling
from .text_example import TextExample, encode_texts, label_name, require_label_count, text_example

_Example: TypeAlias = TextExample[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Multilabel:
    """Rows `{"text", "text_pair"?, "labels": [...]}`, whose list may be empty."""

    fields: tuple[str, ...] = ("text", "labels")

    def parse(self, row: SourceRow) -> _Example:
        """Return a row as an example. Raises: DataError."""
        value = row.fields["labels"]
        if not isinstance(value, list):
            raise row.fault(f"labels must be a list of texts, got {type(value).__name__}")
        labels = [label_name(row, "labels", label) for label in cast("list[object]", value)]
        if "" in labels:
            raise row.fault("labels holds an empty text")
        return text_example(row, tuple(dict.fromkeys(labels)))

    def names(self, example: _Example) -> tuple[str, ...]:
        """Return the example's labels."""
        return example.label

    def objective(self, path: Path, examples: Sequence[_Example]) -> "MultilabelObjective":
        """Return the choice of each label, in alphabetical order. Raises: DataError."""
        labels = tuple(sorted({label for example in examples for label in example.label}))
        require_label_count(path, labels, least=1)
        return MultilabelObjective(labels)


@dataclass(frozen=True, slots=True)
class MultilabelObjective:
    """Binary cross-entropy, the mean over labels; micro F1 at 0.5 chooses the best epoch."""

    labels: tuple[str, ...]
    whole: frozenset[str] = frozenset()

    def head(self, pooling: Pooling) -> Head:
        """Return one linear layer over the pooled text."""
        layers = (HeadLayer(out=len(self.labels)),)
        return Head(kind="multilabel", labels=self.labels, input=pooling, layers=layers)

    def encode(
        self, path: Path, examples: Sequence[_Example], tokenizer: Tokenizer, max_tokens: int
    ) -> LabelledRows:
        """Tokenize examples; a target has a 1 for each of its labels. Raises: DataError."""
        targets = [self._target(path, example) for example in examples]
        return encode_texts(examples, targets, tokenizer, max_tokens)

    def loss(self, outputs: Tensor, targets: Sequence[Tensor]) -> Tensor:
        """Return the mean binary cross-entropy."""
        return F.binary_cross_entropy_with_logits(outputs, torch.stack(list(targets)))

    def scores(self, outputs: Sequence[Tensor], rows: LabelledRows) -> tuple[Score, ...]:
        """Return micro F1, macro F1 and the share of rows with exactly the right labels."""
        chosen_RL = torch.stack(list(outputs)) > 0  # a probability above 0.5
        return multilabel_scores(chosen_RL, torch.stack(list(rows.targets)) > 0)

    def finish(self, tensors: Mapping[str, Tensor]) -> Self:  # noqa: ARG002  (Objective)
        """Leave the tensors as they are."""
        return self

    def _target(self, path: Path, example: _Example) -> Tensor:
        unknown = [label for label in example.label if label not in self.labels]
        if unknown:
            raise DataError(path, example.line, f"label {unknown[0]!r} is in no training row")
        return torch.tensor([float(label in example.label) for label in self.labels])
