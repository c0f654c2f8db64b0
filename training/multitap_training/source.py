"""Rows of labelled files: JSONL (also gzipped) or CSV, one mapping of fields each.

A JSONL row is an object; a CSV file has the fields as its header's columns. Every fault names its
file and line; for a CSV row over several lines that is its last one.
"""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO, TypeAlias, TypeVar, cast

from .errors import DataError

_RowsOf: TypeAlias = Callable[[Path, TextIO, Sequence[str]], Iterator["SourceRow"]]
ExampleT = TypeVar("ExampleT")

_MAX_TEXT_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row as it stands in a file, and where."""

    path: Path
    line: int
    fields: Mapping[str, object]

    def fault(self, message: str) -> DataError:
        """Return the error that names this row."""
        return DataError(self.path, self.line, message)

    def require(self, *fields: str) -> None:
        """Return where every field has a value, 0 and [] included. Raises: DataError."""
        missing = [field for field in fields if self.fields.get(field) in (None, "")]
        if missing:
            raise self.fault(f"has no {' and no '.join(missing)}")

    def text(self, field: str, *, most: int = _MAX_TEXT_CHARACTERS) -> str:
        """Return a field that is a text of at most so many characters. Raises: DataError."""
        return self.checked_text(field, self.fields.get(field), most=most)

    def checked_text(self, field: str, value: object, *, most: int) -> str:
        """Return a value of a field if it is a text that can be encoded. Raises: DataError."""
        if not isinstance(value, str):
            raise self.fault(f"{field} must be a text, got {type(value).__name__}")
        if len(value) > most:
            raise self.fault(f"{field} has {len(value)} characters, expected at most {most}")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise self.fault(f"{field} holds half of a surrogate pair") from None
        return value


def read_examples(
    path: Path, fields: Sequence[str], parse: Callable[[SourceRow], ExampleT]
) -> list[ExampleT]:
    """Parse every row of a file that has these fields; raise DataError at the first bad one."""
    name = path.name.removesuffix(".gz")
    if not name.endswith((".jsonl", ".csv")):
        raise DataError(path, None, "expected a .jsonl, .jsonl.gz, .csv or .csv.gz file")
    rows_of = _json_rows if name.endswith(".jsonl") else _csv_rows
    try:
        examples = _read(path, fields, rows_of, parse)
    except OSError as error:
        raise DataError(path, None, f"cannot be read: {error.strerror or error}") from None
    except (EOFError, zlib.error) as error:
        raise DataError(path, None, f"cannot be unpacked: {error}") from None
    if not examples:
        raise DataError(path, None, "holds no rows")
    return examples


def _read(
    path: Path, fields: Sequence[str], rows_of: _RowsOf, parse: Callable[[SourceRow], ExampleT]
) -> list[ExampleT]:
    examples: list[ExampleT] = []
    try:
        with _open(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            for row in rows_of(path, text, fields):
                row.require(*fields)
                examples.append(parse(row))
    except UnicodeDecodeError as error:
        raise DataError(path, _undecodable_line(path), f"not UTF-8: {error.reason}") from None
    return examples


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


def _json_rows(path: Path, file: TextIO, _fields: Sequence[str]) -> Iterator[SourceRow]:
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
        yield SourceRow(path, line, cast("dict[str, object]", row))


def _csv_rows(path: Path, file: TextIO, fields: Sequence[str]) -> Iterator[SourceRow]:
    reader = csv.DictReader(file, strict=True)
    try:
        header = reader.fieldnames or ()
        missing = [field for field in fields if field not in header]
        if missing:
            raise DataError(path, 1, f"the header lacks {', '.join(missing)}")
        for row in reader:
            # DictReader's marks of a row with too many and of one with too few columns.
            if None in row or None in row.values():
                raise DataError(path, reader.line_num, f"expected {len(header)} columns")
            yield SourceRow(path, reader.line_num, row)
    except csv.Error as error:
        # The inner reader's count: DictReader's own is behind where a row cannot be read.
        raise DataError(path, reader.reader.line_num, f"no CSV: {error}") from None
