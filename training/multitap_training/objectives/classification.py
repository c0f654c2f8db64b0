"""One label of several: a softmax over the labels' logits.

Shape suffixes: R rows, L labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shortened
from typing import Self, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from multitap_adapters.spec import Head, HeadLayer
from multitap_adapters.tokenizer import Tokenizer
from multitap_training.errors import DataError, SettingsError
from multitap_training.labelled_rows import LabelledRows
from multitap_training.scores import Score, classification_scores
from multitap_training.source import SourceRow

from .contract import Pooling
from .text_example import TextExample, encode_texts, label_name, require_label_count, text_example

_Example: TypeAlias = TextExample[str]


@dataclass(frozen=True, slots=True)
class Classification:
    """Rows `{"text", "text_pair"?, "label"}`; F1 of `positive_label` chooses the best epoch."""

    positive_label: str | None = None
    fields: tuple[str, ...] = ("text", "label")

    def parse(self, row: SourceRow) -> _Example:
        """Return a row as an example; a label may be a whole number. Raises: DataError."""
        label = row.fields["label"]
        if isinstance(label, bool) or not isinstance(label, str | int):
            hint = "; kind regression learns numbers" if isinstance(label, float) else ""
            raise row.fault(f"label must be a text or a whole number, got {shortened(label)}{hint}")
        return text_example(row, label_name(row, "label", label))

    def names(self, example: _Example) -> tuple[str, ...]:
        """Return the example's label."""
        return (example.label,)

    def objective(self, path: Path, examples: Sequence[_Example]) -> "ClassificationObjective":
        """Return the choice between all labels, in alphabetical order.

        Raises:
            DataError: every row has the same label, or there are too many.
            SettingsError: the positive label is none of them.
        """
        labels = tuple(sorted({example.label for example in examples}))
        require_label_count(path, labels, least=2)
        if self.positive_label is not None and self.positive_label not in labels:
            raise SettingsError(
                f"positive_label {self.positive_label!r} is none of {', '.join(labels)[:200]}"
            )
        return ClassificationObjective(labels, self.positive_label)


@dataclass(frozen=True, slots=True)
class ClassificationObjective:
    """Cross-entropy; accuracy, or F1 of the positive label, chooses the best epoch."""

    labels: tuple[str, ...]
    positive_label: str | None = None
    whole: frozenset[str] = frozenset()

    def head(self, pooling: Pooling) -> Head:
        """Return one linear layer over the pooled text."""
        layers = (HeadLayer(out=len(self.labels)),)
        return Head(kind="classification", labels=self.labels, input=pooling, layers=layers)

    def encode(
        self, path: Path, examples: Sequence[_Example], tokenizer: Tokenizer, max_tokens: int
    ) -> LabelledRows:
        """Tokenize examples; a target is the index of a label. Raises: DataError."""
        index = {label: torch.tensor(i) for i, label in enumerate(self.labels)}
        for example in examples:
            if example.label not in index:
                message = f"label {example.label!r} is in no training row"
                raise DataError(path, example.line, message)
        targets = [index[example.label] for example in examples]
        return encode_texts(examples, targets, tokenizer, max_tokens)

    def loss(self, outputs: Tensor, targets: Sequence[Tensor]) -> Tensor:
        """Return the mean cross-entropy."""
        return F.cross_entropy(outputs, torch.stack(list(targets)))

    def scores(self, outputs: Sequence[Tensor], rows: LabelledRows) -> tuple[Score, ...]:
        """Return accuracy and macro F1, after F1 of the positive label where there is one."""
        predicted = [int(row_L.argmax()) for row_L in outputs]
        true = [int(target) for target in rows.targets]
        return classification_scores(predicted, true, self.labels, self.positive_label)

    def finish(self, tensors: Mapping[str, Tensor]) -> Self:  # noqa: ARG002  (Objective)
        """Leave the tensors as they are."""
        return self
