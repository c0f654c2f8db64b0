"""A label for each word: a softmax at the word's first token.

Words, windows and places are those of serving (multitap_adapters.word_windows). Shape suffixes:
T tokens of all rows, L labels, W words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from multitap_adapters.entities import group_words, label_roles
from multitap_adapters.spec import Head, HeadLayer
from multitap_adapters.tokenizer import Tokenizer
from multitap_adapters.word_windows import least_word_tokens, word_rows
from multitap_training.errors import DataError, SettingsError
from multitap_training.labelled_rows import LabelledRows
from multitap_training.scores import Score, classification_scores, span_scores
from multitap_training.source import SourceRow

from .contract import Pooling
from .text_example import label_name, require_label_count

# A token that is no word's first one; torch.nn.functional.cross_entropy's default to leave out.
_NO_WORD: Final = -100
_MAX_WORD_CHARACTERS: Final = 10_000


@dataclass(frozen=True, slots=True)
class WordsExample:
    """The words of one text, each with its label, and the line they stand on."""

    words: tuple[str, ...]
    labels: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Tagging:
    """Rows `{"tokens": [...], "labels": [...]}`, a label for each token."""

    fields: tuple[str, ...] = ("tokens", "labels")

    def parse(self, row: SourceRow) -> WordsExample:
        """Return a row as an example. Raises: DataError."""
        words, labels = (_texts(row, field) for field in self.fields)
        if len(words) != len(labels):
            raise row.fault(f"has {len(words)} tokens and {len(labels)} labels")
        for word in words:
            row.checked_text("tokens", word, most=_MAX_WORD_CHARACTERS)
            if not cast("str", word).strip():
                raise row.fault("tokens holds an empty text")
        names = tuple(label_name(row, "labels", label) for label in labels)
        if "" in names:
            raise row.fault("labels holds an empty text")
        return WordsExample(tuple(str(word) for word in words), names, row.line)

    def names(self, example: WordsExample) -> tuple[str, ...]:
        """Return the example's labels."""
        return example.labels

    def objective(self, path: Path, examples: Sequence[WordsExample]) -> "TaggingObjective":
        """Return the choice between all labels, in alphabetical order. Raises: DataError."""
        labels = tuple(sorted({label for example in examples for label in example.labels}))
        require_label_count(path, labels, least=2)
        return TaggingObjective(labels)


@dataclass(frozen=True, slots=True)
class TaggingObjective:
    """Cross-entropy at first tokens.

    F1 of whole entities chooses the best epoch where the labels are of the form `B-X`, `I-X`;
    accuracy of words where they are plain.
    """

    labels: tuple[str, ...]
    whole: frozenset[str] = frozenset()

    def head(self, pooling: Pooling) -> Head:  # noqa: ARG002  (Objective)
        """Return one linear layer over every token."""
        layers = (HeadLayer(out=len(self.labels)),)
        return Head(kind="tagging", labels=self.labels, input="tokens", layers=layers)

    def encode(
        self, path: Path, examples: Sequence[WordsExample], tokenizer: Tokenizer, max_tokens: int
    ) -> LabelledRows:
        """Tokenize words; a target has a label at each word's place.

        Raises:
            DataError: an example has a label that no training row has.
            SettingsError: `max_tokens` has no room for a word.
        """
        least = least_word_tokens(tokenizer)
        if max_tokens < least:
            raise SettingsError(f"max_tokens must be from {least} for words, got {max_tokens}")
        index = {label: i for i, label in enumerate(self.labels)}
        for example in examples:
            unknown = [label for label in example.labels if label not in index]
            if unknown:
                raise DataError(path, example.line, f"label {unknown[0]!r} is in no training row")
        texts = [example.words for example in examples]
        token_ids: list[Sequence[int]] = []
        type_ids: list[Sequence[int]] = []
        targets: list[Tensor] = []
        owners: list[int] = []
        found = word_rows(tokenizer, texts, max_tokens=max_tokens)
        for number, (example, placed) in enumerate(zip(examples, found, strict=True)):
            own = [torch.full((len(row.token_ids),), _NO_WORD) for row in placed.rows]
            for place in placed.places:
                own[place.window][place.token] = index[example.labels[place.word]]
            token_ids.extend(row.token_ids for row in placed.rows)
            type_ids.extend(row.type_ids for row in placed.rows)
            targets.extend(own)
            owners.extend([number] * len(own))
        return LabelledRows(token_ids, type_ids, targets, examples=owners)

    def loss(self, outputs: Tensor, targets: Sequence[Tensor]) -> Tensor:
        """Return the mean cross-entropy of the words."""
        labels_T = torch.cat(list(targets))
        words = max(int((labels_T != _NO_WORD).sum()), 1)  # a window may have no word of its own
        return F.cross_entropy(outputs, labels_T, ignore_index=_NO_WORD, reduction="sum") / words

    def scores(self, outputs: Sequence[Tensor], rows: LabelledRows) -> tuple[Score, ...]:
        """Return F1, precision and recall of entities where there are any, and those of words."""
        predicted: list[list[int]] = []
        true: list[list[int]] = []
        for windows, targets in rows.by_example(outputs):
            logits_TL, labels_T = torch.cat(windows), torch.cat(targets)
            words_W = labels_T != _NO_WORD
            predicted.append([int(label) for label in logits_TL[words_W].argmax(1)])
            true.append([int(label) for label in labels_T[words_W]])
        words = classification_scores(
            [label for text in predicted for label in text],
            [label for text in true for label in text],
            self.labels,
            None,
        )
        if not any(label.startswith(("B-", "I-")) for label in self.labels):
            return words
        roles = label_roles(self.labels)
        entities = span_scores(
            [set(group_words(roles, text)) for text in predicted],
            [set(group_words(roles, text)) for text in true],
        )
        return (*entities, *words)

    def finish(self, tensors: Mapping[str, Tensor]) -> Self:  # noqa: ARG002  (Objective)
        """Leave the tensors as they are."""
        return self


def _texts(row: SourceRow, field: str) -> list[object]:
    value = row.fields[field]
    if not isinstance(value, list):
        raise row.fault(f"{field} must be a list of texts, got {type(value).__name__}")
    if not value:
        raise row.fault(f"{field} is an empty list")
    return cast("list[object]", value)
