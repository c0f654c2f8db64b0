"""What to predict: texts from the command line, from files, or from standard input."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeAlias, TypeVar, cast

from .failures import CommandError, UsageError

STANDARD_INPUT = Path("-")
_JSON_SUFFIXES = frozenset({".jsonl", ".ndjson"})
# What labelled files have beside their inputs.
_LABELS = frozenset({"label", "labels", "answers", "id"})

InputValue: TypeAlias = str | Mapping[str, str | list[str]]
ItemT = TypeVar("ItemT")


class InputFormat(StrEnum):
    """How a file of inputs is written."""

    TEXT = "text"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a text stands for: itself, one of two, a context to be asked, or tokens."""

    pair: bool = False
    question: str | None = None
    tokens: bool = False

    def require_one(self) -> None:
        """Return unless it is several at once. Raises: UsageError."""
        if self.pair + (self.question is not None) + self.tokens > 1:
            raise UsageError("--pair, --question and --tokens exclude each other")

    def of(self, text: str) -> InputValue:
        """Return the input that one text makes."""
        if self.question is not None:
            return {"question": self.question, "context": text}
        return {"tokens": text.split()} if self.tokens else text


def from_arguments(texts: Sequence[str], shape: Shape) -> list[InputValue]:
    """Return the command line's texts as inputs, pairs two by two. Raises: UsageError."""
    if not shape.pair:
        return [shape.of(text) for text in texts]
    if len(texts) % 2:
        raise UsageError(f"--pair takes texts two by two, got {len(texts)}")
    return [_pair(text, other) for text, other in zip(texts[::2], texts[1::2], strict=True)]


def from_file(path: Path, form: InputFormat | None, shape: Shape) -> Iterator[InputValue]:
    """Yield the inputs of a file, one a line; `-` is standard input.

    Without `form` the name tells: .jsonl and .ndjson are JSON Lines, all else is text. In text,
    every line is one input, also an empty one; a tab separates the two texts of a pair.

    Raises:
        CommandError: a line is none; the file and the line are named.
        OSError: the file cannot be read.
    """
    if form is None:
        is_json = path.suffix.lower() in _JSON_SUFFIXES
        form = InputFormat.JSONL if is_json else InputFormat.TEXT
    if path == STANDARD_INPUT:
        yield from _parse(sys.stdin.buffer, "standard input", form, shape)
    else:
        with path.open("rb") as stream:
            yield from _parse(stream, str(path), form, shape)


def count_lines(path: Path) -> int | None:
    """Return the number of lines of a file; None for what can be read once only."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return sum(1 for _ in stream)


def in_batches(items: Iterable[ItemT], size: int) -> Iterator[list[ItemT]]:
    """Yield the items in lists of `size`; the last one may be shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _parse(stream: BinaryIO, name: str, form: InputFormat, shape: Shape) -> Iterator[InputValue]:
    for number, raw in enumerate(stream, start=1):
        place = f"{name}, line {number}"
        line = _decode(raw, place)
        if form is InputFormat.JSONL:
            if line.strip():
                value = _parse_json(line, place)
                yield shape.of(value) if isinstance(value, str) else value
        elif shape.pair:
            text, tab, other = line.partition("\t")
            if not tab:
                raise CommandError(f"{place}: no tab between two texts")
            yield _pair(text, other)
        else:
            yield shape.of(line)


def _decode(raw: bytes, place: str) -> str:
    try:
        line = raw.decode("utf-8-sig" if place.endswith(", line 1") else "utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(f"{place}: not UTF-8 at byte {error.start}") from error
    return line.rstrip("\r\n")


def _parse_json(line: str, place: str) -> InputValue:
    try:
        value: object = json.loads(line)
    except json.JSONDecodeError as error:
        message = f"{place}: not JSON at character {error.pos}: {error.msg.lower()}"
        raise CommandError(message) from error
    except (ValueError, RecursionError) as error:  # a number or a nesting without end
        raise CommandError(f"{place}: not JSON that can be read") from error
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise CommandError(f"{place}: neither a JSON string nor an object")
    fields = cast("Mapping[str, str | list[str]]", value)
    return {key: each for key, each in fields.items() if key not in _LABELS}


def _pair(text: str, other: str) -> InputValue:
    return {"text": text, "text_pair": other}
