"""One number per text or pair.

The head learns values of mean 0 and deviation 1, whatever the file's unit; the unit is put into the
head's weights at the end. Shape suffixes: R rows, O outputs (one).
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shortened
from statistics import fmean, pstdev
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from multitap_adapters.spec import Head, HeadLayer
from multitap_adapters.tokenizer import Tokenizer
from multitap_training.errors import DataError
from multitap_training.labelled_rows import LabelledRows
from multitap_training.scores import Score, regression_scores
from multitap_training.source import SourceRow

from .contract import Pooling
from .text_example import TextExample, encode_texts, text_example

_Example: TypeAlias = TextExample[float]
# What a 32-bit float holds to about four decimals of its deviation.
_LARGEST = 1e9


@dataclass(frozen=True, slots=True)
class Regression:
    """Rows `{"text", "text_pair"?, "label"}` whose label is a number."""

    fields: tuple[str, ...] = ("text", "label")

    def parse(self, row: SourceRow) -> _Example:
        """Return a row as an example; CSV files hold numbers as text. Raises: DataError."""
        return text_example(row, _number(row, row.fields["label"]))

    def names(self, example: _Example) -> tuple[str, ...]:  # noqa: ARG002  (Kind)
        """Return no names: values have none."""
        return ()

    def objective(self, path: Path, examples: Sequence[_Example]) -> "RegressionObjective":
        """Return the regression on values of this mean and deviation. Raises: DataError."""
        values = [example.label for example in examples]
        deviation = pstdev(values)
        if not deviation:
            raise DataError(path, None, f"every row has the label {values[0]:g}; two are needed")
        return RegressionObjective(fmean(values), deviation)


@dataclass(frozen=True, slots=True)
class RegressionObjective:
    """Squared error in units of the deviation; Pearson's correlation chooses the best epoch."""

    mean: float
    deviation: float
    labels: tuple[str, ...] = ()
    whole: frozenset[str] = frozenset({"head.0.weight", "head.0.bias"})

    def head(self, pooling: Pooling) -> Head:
        """Return one linear layer over the pooled text."""
        return Head(kind="regression", input=pooling, layers=(HeadLayer(out=1),))

    def encode(
        self,
        path: Path,  # noqa: ARG002  (Objective)
        examples: Sequence[_Example],
        tokenizer: Tokenizer,
        max_tokens: int,
    ) -> LabelledRows:
        """Tokenize examples; a target is the value as it stands in the file."""
        targets = [torch.tensor(example.label, dtype=torch.float64) for example in examples]
        return encode_texts(examples, targets, tokenizer, max_tokens)

    def loss(self, outputs: Tensor, targets: Sequence[Tensor]) -> Tensor:
        """Return the mean squared error, in squared deviations."""
        scaled_R = (torch.stack(list(targets)) - self.mean) / self.deviation
        return F.mse_loss(outputs.squeeze(1), scaled_R.to(outputs.dtype))

    def scores(self, outputs: Sequence[Tensor], rows: LabelledRows) -> tuple[Score, ...]:
        """Return Pearson's and Spearman's correlation, and the share of variance explained."""
        predicted = [float(row_O) * self.deviation + self.mean for row_O in outputs]
        return regression_scores(predicted, [float(target) for target in rows.targets])

    def finish(self, tensors: Mapping[str, Tensor]) -> "RegressionObjective":
        """Put the unit into the head's one layer: its outputs are the file's values then."""
        with torch.no_grad():
            tensors["head.0.weight"].mul_(self.deviation)
            tensors["head.0.bias"].mul_(self.deviation).add_(self.mean)
        return RegressionObjective(mean=0.0, deviation=1.0)


def _number(row: SourceRow, value: object) -> float:
    number = math.nan
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):
            number = float(value)
    if not abs(number) <= _LARGEST:
        raise row.fault(f"label must be a number of at most 1e9, got {shortened(value)}")
    return number
