"""The rows of one run: tokenized, split into training and validation, their labels as indices."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from multitap_adapters.digest import digest_file
from multitap_adapters.spec import TrainingData
from multitap_adapters.tokenizer import Tokenizer

from .errors import DataError
from .examples import Example, label_names, read_examples
from .loop import LabelledRows

_HELD_OUT = 10  # without a validation file, one row in this many is held out


@dataclass(frozen=True, slots=True)
class Dataset:
    """A run's rows and label names."""

    labels: tuple[str, ...]
    train: LabelledRows
    validation: LabelledRows
    held_out: bool
    truncated: int


def read_dataset(
    train: Path, validation: Path | None, tokenizer: Tokenizer, *, max_tokens: int, seed: int
) -> Dataset:
    """Read a run's files; without a validation file a seeded tenth of the rows is held out.

    Raises:
        DataError: a row that is no example, one class only, or a label that training lacks.
    """
    examples = read_examples(train)
    labels = label_names(train, examples)
    if validation is None:
        examples, held_out = _hold_out(train, examples, seed)
    else:
        held_out = read_examples(validation)
    train_rows, cut = tokenize(train, examples, labels, tokenizer, max_tokens)
    validation_rows, _ = tokenize(validation or train, held_out, labels, tokenizer, max_tokens)
    return Dataset(labels, train_rows, validation_rows, validation is None, cut)


def tokenize(
    path: Path,
    examples: Sequence[Example],
    labels: Sequence[str],
    tokenizer: Tokenizer,
    max_tokens: int,
) -> tuple[LabelledRows, int]:
    """Tokenize examples; return them with the number of rows that were cut to `max_tokens`."""
    index = {label: i for i, label in enumerate(labels)}
    for example in examples:
        if example.label not in index:
            raise DataError(path, example.line, f"label {example.label!r} is in no training row")
    texts = [e.text if e.text_pair is None else (e.text, e.text_pair) for e in examples]
    rows = tokenizer.tokenize(texts, max_tokens=max_tokens)
    labelled = LabelledRows(
        token_ids=[row.token_ids for row in rows],
        type_ids=[row.type_ids for row in rows],
        labels=[index[example.label] for example in examples],
    )
    return labelled, sum(row.tokens > max_tokens for row in rows)


def described(path: Path, rows: int, *, name: str | None, source: str | None) -> TrainingData:
    """Return what a card says of a data file; only its name is kept of its path."""
    return TrainingData(name=name or path.name, rows=rows, source=source, sha256=digest_file(path))


def _hold_out(
    path: Path, examples: list[Example], seed: int
) -> tuple[list[Example], list[Example]]:
    if len(examples) < 2 * _HELD_OUT:
        raise DataError(
            path, None, f"has {len(examples)} rows; to hold out a tenth, {2 * _HELD_OUT} are needed"
        )
    generator = torch.Generator().manual_seed(seed)
    order = [int(i) for i in torch.randperm(len(examples), generator=generator)]
    held = set(order[: len(examples) // _HELD_OUT])
    kept = [example for i, example in enumerate(examples) if i not in held]
    kept_labels = {example.label for example in kept}
    held_out = [examples[i] for i in sorted(held) if examples[i].label in kept_labels]
    if not held_out:
        raise DataError(path, None, "has too few rows of each label to hold out a tenth")
    # A label whose only rows were drawn stays in training, where it is of more use.
    kept += [examples[i] for i in sorted(held) if examples[i].label not in kept_labels]
    return kept, held_out
