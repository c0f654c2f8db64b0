"""A multilabel set made of a set with one label a text: two texts joined, and both their labels."""

import gzip
import json
import os
import random
from pathlib import Path

from multitap_training import Files

_SEED = 0


def question_pairs(folder: Path, out: Path) -> Files:
    """Write pairs of a data set's training and of its test rows into the output folder."""
    return Files(
        train=_write_pairs(folder, out, "train"),
        test=_write_pairs(folder, out, "test"),
    )


def joined_pairs(lines: list[str]) -> list[str]:
    """Return rows `{"text", "labels"}` of every two rows `{"text", "label"}` in a seeded order."""
    rows = [json.loads(line) for line in lines]
    random.Random(_SEED).shuffle(rows)
    return [
        json.dumps(
            {
                "text": f"{first['text']} {second['text']}",
                "labels": sorted({first["label"], second["label"]}),
            },
            ensure_ascii=False,
        )
        for first, second in zip(rows[::2], rows[1::2], strict=False)
    ]


def _write_pairs(folder: Path, out: Path, split: str) -> Path:
    """Write a split, the same bytes every time: other processes may read it meanwhile."""
    path = out / f"{folder.name}-pairs-{split}.jsonl"
    lines = gzip.decompress((folder / f"{split}.jsonl.gz").read_bytes()).decode().splitlines()
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text("\n".join(joined_pairs(lines)) + "\n")
    part.replace(path)
    return path
