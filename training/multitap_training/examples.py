"""Labelled texts, read from JSONL (also gzipped) or CSV files.

A JSONL row is `{"text", "text_pair"?, "label"}`; a CSV file has these as its header's columns.
Every fault names its file and line.
"""

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from .errors import DataError

_FIELDS = ("text", "text_pair", "label")
_MAX_TEXT_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Example:
    """One text or pair with its label, and the line it stands on."""

    text: str
    text_pair: str | None
    label: str
    line: int


def read_examples(path: Path) -> list[Example]:
    """Read every row of a file; raise DataError at the first one that is no example."""
    name = path.name.removesuffix(".gz")
    if not name.endswith((".jsonl", ".csv")):
        raise DataError(path, None, "expected a .jsonl, .jsonl.gz, .csv or .csv.gz file")
    try:
        with _open(path) as file:
            rows = _json_rows(path, file) if name.endswith(".jsonl") else _csv_rows(path, file)
            examples = [_example(path, line, row) for line, row in rows]
    except UnicodeDecodeError as error:
        raise DataError(path, None, f"not UTF-8: {error.reason}") from None
    except (OSError, EOFError) as error:
        raise DataError(path, None, f"cannot be read: {error}") from None
    if not examples:
        raise DataError(path, None, "holds no rows")
    return examples


def label_names(path: Path, examples: list[Example]) -> tuple[str, ...]:
    """Return the distinct labels in alphabetical order; raise DataError where there is only one."""
    labels = sorted({example.label for example in examples})
    if len(labels) < 2:  # noqa: PLR2004  a choice needs two
        raise DataError(path, None, f"every row has the label {labels[0]!r}; two are needed")
    return tuple(labels)


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _json_rows(path: Path, file: TextIO) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, text in enumerate(file, 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(path, line, f"no JSON: {error}") from None
        if not isinstance(row, dict):
            raise DataError(path, line, f"expected a JSON object, got {type(row).__name__}")
        yield line, row


def _csv_rows(path: Path, file: TextIO) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(file, strict=True)
    try:
        header = reader.fieldnames or ()
        missing = [field for field in ("text", "label") if field not in header]
        if missing:
            raise DataError(path, 1, f"the header lacks {', '.join(missing)}")
        for row in reader:
            if None in row or None in row.values():
                raise DataError(path, reader.line_num, f"expected {len(header)} columns")
            yield reader.line_num, row
    except csv.Error as error:
        raise DataError(path, reader.line_num, f"no CSV: {error}") from None


def _example(path: Path, line: int, row: Mapping[str, Any]) -> Example:
    missing = [field for field in ("text", "label") if row.get(field) in (None, "")]
    if missing:
        raise DataError(path, line, f"has no {' and no '.join(missing)}")
    text, pair, label = (row.get(field) for field in _FIELDS)
    if isinstance(label, bool) or not isinstance(label, str | int):
        raise DataError(path, line, f"label must be a text or a whole number, got {label!r}")
    for field, value in (("text", text), ("text_pair", pair)):
        if not isinstance(value, str | None):
            raise DataError(path, line, f"{field} must be a text, got {type(value).__name__}")
        if value is not None and len(value) > _MAX_TEXT_CHARACTERS:
            raise DataError(path, line, f"{field} has {len(value)} characters")
    return Example(str(text), None if pair in (None, "") else str(pair), str(label), line)
