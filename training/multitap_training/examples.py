"""Labelled texts, read from JSONL (also gzipped) or CSV files.

A JSONL row is `{"text", "text_pair"?, "label"}`; a CSV file has these as its header's columns.
Every fault names its file and line; for a CSV row over several lines that is its last one.
"""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shortened
from typing import BinaryIO, TextIO, TypeAlias, cast

from .errors import DataError

_RowsOf: TypeAlias = Callable[[Path, TextIO], Iterator[tuple[int, Mapping[str, object]]]]

_MAX_TEXT_CHARACTERS = 1_000_000
_MAX_LABEL_CHARACTERS = 200  # those of a label in an adapter's specification
_MAX_LABELS = 10_000


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
        examples = _read(path, _json_rows if name.endswith(".jsonl") else _csv_rows)
    except OSError as error:
        raise DataError(path, None, f"cannot be read: {error.strerror or error}") from None
    except (EOFError, zlib.error) as error:
        raise DataError(path, None, f"cannot be unpacked: {error}") from None
    if not examples:
        raise DataError(path, None, "holds no rows")
    return examples


def label_names(path: Path, examples: list[Example]) -> tuple[str, ...]:
    """Return the distinct labels in alphabetical order; raise DataError where there is only one."""
    labels = sorted({example.label for example in examples})
    if len(labels) < 2:  # noqa: PLR2004  a choice needs two
        raise DataError(path, None, f"every row has the label {labels[0]!r}; two are needed")
    if len(labels) > _MAX_LABELS:
        raise DataError(path, None, f"has {len(labels)} labels, expected at most {_MAX_LABELS}")
    return tuple(labels)


def _read(path: Path, rows_of: _RowsOf) -> list[Example]:
    try:
        with _open(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            return [_example(path, line, row) for line, row in rows_of(path, text)]
    except UnicodeDecodeError as error:
        raise DataError(path, _undecodable_line(path), f"not UTF-8: {error.reason}") from None


def _open(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _undecodable_line(path: Path) -> int | None:
    """Look for the line once more: a decoder reads ahead, and cannot tell."""
    with _open(path) as file:
        for line, content in enumerate(file, 1):
            try:
                content.decode()
            except UnicodeDecodeError:
                return line
    return None


def _json_rows(path: Path, file: TextIO) -> Iterator[tuple[int, Mapping[str, object]]]:
    for line, text in enumerate(file, 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except json.JSONDecodeError as error:
            message = f"no JSON: {error.msg} at column {error.pos + 1}"
            raise DataError(path, line, message) from None
        except (ValueError, RecursionError) as error:
            raise DataError(path, line, f"no JSON: {error}") from None
        if not isinstance(row, dict):
            raise DataError(path, line, f"expected a JSON object, got {type(row).__name__}")
        yield line, cast("dict[str, object]", row)


def _csv_rows(path: Path, file: TextIO) -> Iterator[tuple[int, Mapping[str, object]]]:
    reader = csv.DictReader(file, strict=True)
    try:
        header = reader.fieldnames or ()
        missing = [field for field in ("text", "label") if field not in header]
        if missing:
            raise DataError(path, 1, f"the header lacks {', '.join(missing)}")
        for row in reader:
            # DictReader's marks of a row with too many and of one with too few columns.
            if None in row or None in row.values():
                raise DataError(path, reader.line_num, f"expected {len(header)} columns")
            yield reader.line_num, row
    except csv.Error as error:
        # The inner reader's count: DictReader's own is behind where a row cannot be read.
        raise DataError(path, reader.reader.line_num, f"no CSV: {error}") from None


def _example(path: Path, line: int, row: Mapping[str, object]) -> Example:
    missing = [field for field in ("text", "label") if row.get(field) in (None, "")]
    if missing:
        raise DataError(path, line, f"has no {' and no '.join(missing)}")
    label = row["label"]
    if isinstance(label, bool) or not isinstance(label, str | int):
        raise DataError(
            path, line, f"label must be a text or a whole number, got {shortened(label)}"
        )
    pair = row.get("text_pair")
    return Example(
        text=_text(path, line, "text", row["text"]),
        text_pair=None if pair in (None, "") else _text(path, line, "text_pair", pair),
        label=_text(path, line, "label", str(label), most=_MAX_LABEL_CHARACTERS),
        line=line,
    )


def _text(
    path: Path, line: int, field: str, value: object, *, most: int = _MAX_TEXT_CHARACTERS
) -> str:
    if not isinstance(value, str):
        raise DataError(path, line, f"{field} must be a text, got {type(value).__name__}")
    if len(value) > most:
        raise DataError(path, line, f"{field} has {len(value)} characters, expected at most {most}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise DataError(path, line, f"{field} holds half of a surrogate pair") from None
    return value
