"""Texts of a chosen number of tokens that never repeat: random whole words of a vocabulary."""

import json
import random
from pathlib import Path

_SPECIAL_TOKENS = 2


class RandomTexts:
    """Draws texts whose every word is one token of a WordPiece tokenizer."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
        self._words = sorted(word for word in vocabulary if word.isascii() and word.isalpha())
        self._random = random.Random(seed)

    def draw(self, tokens: int) -> str:
        """Return a text of so many tokens, the special ones included."""
        return " ".join(self._random.choices(self._words, k=tokens - _SPECIAL_TOKENS))
