"""A program: are entities and answers of real texts where they say? Prints what it counted.

``python tests/check_real_texts.py FOLDER`` reads folders of gzipped JSON Lines there, adds noise to
each text, and takes every part that taggers and question answering with random outputs find in it.
It also asks whether the answers of SQuAD come back from the tokens that training would point at.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from multitap_adapters.embedded import embedded_folder
from multitap_adapters.question_windows import question_rows
from multitap_adapters.tokenizer import Tokenizer
from noisy_texts import with_noise
from offset_checks import count_parts
from other_tokenizers import byte_tokenizer, piece_tokenizer

DATA_SETS = (
    "wnut17",
    "squad_v1",
    "ud_ewt_pos",
    "emotion",
    "sst2",
    "sms_spam",
    "ag_news",
    "banking77",
)


def read_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a file."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        yield from map(json.loads, stream)


def text_of(row: Mapping[str, Any]) -> str:
    """Return a row's text, words joined by spaces."""
    return str(row.get("text") or row.get("context") or " ".join(row.get("tokens", ())))


def count_texts(folder: Path, tokenizer: Tokenizer, texts: int) -> tuple[int, int]:
    """Return how many texts and how many parts of them were checked."""
    names = [name for name in DATA_SETS if (folder / name / "train.jsonl.gz").exists()]
    done = parts = 0
    for name in names:
        rows = read_rows(folder / name / "train.jsonl.gz")
        for row in islice(rows, -(-texts // len(names))):
            text = with_noise(text_of(row), done)
            parts += count_parts(tokenizer, text, done, max_tokens=64)
            done += 1
    return done, parts


def count_answers(folder: Path, tokenizer: Tokenizer, questions: int) -> tuple[int, int, int]:
    """Return how many answers there are, how many a window holds, and how many come back."""
    held = same = total = 0
    for row in islice(read_rows(folder / "squad_v1" / "train.jsonl.gz"), questions):
        context, answer = row["context"], row["answers"]["text"][0]
        start = row["answers"]["answer_start"][0]
        end = start + len(answer)
        [rows] = question_rows(tokenizer, [(row["question"], context)], max_tokens=128)
        total += 1
        for window, begin in enumerate(rows.windows.starts):
            first, last = rows.target(window, start, end)
            if first:
                shift = begin - rows.prefix
                text = context[rows.spans[first + shift][0] : rows.spans[last + shift][1]]
                held += 1
                same += text.strip() == answer.strip()
                break
    return total, held, same


def main() -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--texts", type=int, default=2_000)
    arguments = parser.parse_args()
    tokenizers = {
        "embedded": Tokenizer.read(embedded_folder()),
        "bytes": byte_tokenizer(),
        "pieces": piece_tokenizer(),
    }
    for name, tokenizer in tokenizers.items():
        texts, parts = count_texts(arguments.folder, tokenizer, arguments.texts)
        sys.stdout.write(f"{name}: {parts} parts of {texts} texts are where they say\n")
    if (arguments.folder / "squad_v1").exists():
        found = count_answers(arguments.folder, tokenizers["embedded"], arguments.texts)
        total, held, same = found
        sys.stdout.write(f"SQuAD: {total} answers, {held} in a window, {same} come back exactly\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
