"""Texts that are split into words, as rows of tokens: every word has one place to be answered from.

A word's label is read at its first token, as taggers are trained. For training as for serving: a
place is where the label of that word belongs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from .tokenizer import TokenizedRow, Tokenizer, WordTokens
from .windows import Windows


class WordPlace(NamedTuple):
    """The word `word`, counted from 0, is answered at a token of a window's row."""

    word: int
    window: int
    token: int


@dataclass(frozen=True, slots=True)
class WordRows:
    """The rows of one text, one for each window, and the places of its words, in order.

    A word that the tokenizer makes nothing of, such as a lone accent, has no place.
    """

    rows: tuple[TokenizedRow, ...]
    places: tuple[WordPlace, ...]


def least_word_tokens(tokenizer: Tokenizer) -> int:
    """Return the shortest length that a task over words can have."""
    return tokenizer.special_tokens(pair=False) + 1


def word_rows(
    tokenizer: Tokenizer, texts: Sequence[Sequence[str]], *, max_tokens: int
) -> list[WordRows]:
    """Tokenize texts that are split into words; long ones become several overlapping rows.

    Raises:
        ValueError: `max_tokens` is less than `least_word_tokens`.
    """
    return [_place(tokens, max_tokens) for tokens in tokenizer.tokenize_words(texts)]


def _place(tokens: WordTokens, max_tokens: int) -> WordRows:
    content = tokens.content
    room = max_tokens - (len(tokens.token_ids) - len(content))
    windows = Windows.over(len(content), room)
    rows = tuple(tokens.cut(start, start + windows.length) for start in windows.starts)
    places: list[WordPlace] = []
    first = 0
    for word, run in groupby(tokens.words):
        end = first + len(list(run))
        # A word that no window holds whole is answered where most of its beginning is.
        window = windows.owner(first, min(end - 1, first + windows.overlap))
        assert window is not None  # noqa: S101  windows overlap by so much
        token = content.start + first - windows.starts[window]
        places.append(WordPlace(word, window, token))
        first = end
    return WordRows(rows, tuple(places))
