"""Texts and pairs of texts with a label, as kinds whose heads pool read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from torch import Tensor

from multitap_adapters.tokenizer import Tokenizer
from multitap_training.errors import DataError
from multitap_training.labelled_rows import LabelledRows
from multitap_training.source import SourceRow

LabelT = TypeVar("LabelT")

_MAX_LABEL_CHARACTERS = 200  # those of a label in an adapter's specification
_MAX_LABELS = 10_000


@dataclass(frozen=True, slots=True)
class TextExample(Generic[LabelT]):
    """One text or pair with its label, and the line it stands on."""

    text: str
    text_pair: str | None
    label: LabelT
    line: int


def text_example(row: SourceRow, label: LabelT) -> TextExample[LabelT]:
    """Return a row's text, and its pair where it has one, with its label. Raises: DataError."""
    pair = row.fields.get("text_pair")
    return TextExample(
        text=row.text("text"),
        text_pair=None if pair in (None, "") else row.text("text_pair"),
        label=label,
        line=row.line,
    )


def label_name(row: SourceRow, field: str, value: object) -> str:
    """Return a label's name; a whole number is one too. Raises: DataError."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return row.checked_text(field, value, most=_MAX_LABEL_CHARACTERS)


def require_label_count(path: Path, labels: Sequence[str], *, least: int) -> None:
    """Return where a head can have so many labels. Raises: DataError."""
    if len(labels) < least:
        found = f"every row has the label {labels[0]!r}" if labels else "no row has a label"
        raise DataError(path, None, f"{found}; {('one is', 'two are')[least - 1]} needed")
    if len(labels) > _MAX_LABELS:
        raise DataError(path, None, f"has {len(labels)} labels, expected at most {_MAX_LABELS}")


def encode_texts(
    examples: Sequence[TextExample[LabelT]],
    targets: Sequence[Tensor],
    tokenizer: Tokenizer,
    max_tokens: int,
) -> LabelledRows:
    """Tokenize the texts of examples, and count those that were cut to `max_tokens`."""
    texts = [e.text if e.text_pair is None else (e.text, e.text_pair) for e in examples]
    rows = tokenizer.tokenize(texts, max_tokens=max_tokens)
    return LabelledRows(
        token_ids=[row.token_ids for row in rows],
        type_ids=[row.type_ids for row in rows],
        targets=targets,
        truncated=sum(row.tokens > max_tokens for row in rows),
    )
