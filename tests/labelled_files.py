"""Labelled files for tests of training, and a toy task that a tiny backbone can learn."""

import gzip
import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path

_FILLERS = ("the", "a", "of", "and", "film", "book", "time", "people", "very", "was", "with")
TOY_WORDS: Mapping[str, str] = {"negative": "bad", "positive": "good"}

Row = Mapping[str, object]


def write_jsonl(path: Path, rows: Iterable[Row]) -> Path:
    """Write rows as JSON lines, gzipped where the name says so."""
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def toy_rows(count: int, seed: int = 0) -> list[Row]:
    """Return texts whose label stands in one of their words, at a random place."""
    draw = random.Random(seed)  # noqa: S311  a test's
    rows: list[Row] = []
    for index in range(count):
        label = sorted(TOY_WORDS)[index % 2]
        words = [draw.choice(_FILLERS) for _ in range(draw.randint(1, 9))]
        words.insert(draw.randint(0, len(words)), TOY_WORDS[label])
        rows.append({"text": " ".join(words), "label": label})
    return rows
