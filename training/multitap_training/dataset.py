"""The rows of one run: read, split into training and validation, tokenized."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch

from multitap_adapters.digest import digest_file
from multitap_adapters.spec import TrainingData
from multitap_adapters.tokenizer import Tokenizer

from .errors import DataError
from .labelled_rows import LabelledRows
from .objectives.contract import Kind, Objective
from .source import read_examples

ExampleT = TypeVar("ExampleT")

_HELD_OUT = 10  # without a validation file, one row in this many is held out


@dataclass(frozen=True, slots=True)
class Dataset(Generic[ExampleT]):
    """A run's rows, and what is learned from them."""

    objective: Objective[ExampleT]
    train: LabelledRows
    validation: LabelledRows
    held_out: bool


def read_dataset(
    kind: Kind[ExampleT],
    train: Path,
    validation: Path | None,
    tokenizer: Tokenizer,
    *,
    max_tokens: int,
    seed: int,
) -> Dataset[ExampleT]:
    """Read a run's files; without a validation file a seeded tenth of the rows is held out.

    Raises:
        DataError: a row that is no example, nothing to learn, or a label that training lacks.
        SettingsError: a setting does not fit the labels.
    """
    examples = read_examples(train, kind.fields, kind.parse)
    objective = kind.objective(train, examples)
    if validation is None:
        examples, held_out = _hold_out(kind, train, examples, seed)
    else:
        held_out = read_examples(validation, kind.fields, kind.parse)
    return Dataset(
        objective,
        objective.encode(train, examples, tokenizer, max_tokens),
        objective.encode(validation or train, held_out, tokenizer, max_tokens),
        held_out=validation is None,
    )


def described(path: Path, rows: int, *, name: str | None, source: str | None) -> TrainingData:
    """Return what a card says of a data file; only its name is kept of its path."""
    return TrainingData(name=name or path.name, rows=rows, source=source, sha256=digest_file(path))


def _hold_out(
    kind: Kind[ExampleT], path: Path, examples: Sequence[ExampleT], seed: int
) -> tuple[list[ExampleT], list[ExampleT]]:
    if len(examples) < 2 * _HELD_OUT:
        raise DataError(
            path, None, f"has {len(examples)} rows; to hold out a tenth, {2 * _HELD_OUT} are needed"
        )
    generator = torch.Generator().manual_seed(seed)
    order = [int(i) for i in torch.randperm(len(examples), generator=generator)]
    held = set(order[: len(examples) // _HELD_OUT])
    kept = [example for i, example in enumerate(examples) if i not in held]
    kept_names = {name for example in kept for name in kind.names(example)}
    held_out: list[ExampleT] = []
    for i in sorted(held):
        # A label whose only rows were drawn stays in training, where it is of more use.
        known = kept_names.issuperset(kind.names(examples[i]))
        (held_out if known else kept).append(examples[i])
    if not held_out:
        raise DataError(path, None, "has too few rows of each label to hold out a tenth")
    return kept, held_out
