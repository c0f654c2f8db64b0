"""A backbone's tokenizer without its own truncation and padding: we cut, and never pad.

Besides rows that are ready to run, it gives rows that say where their words or their characters
are, for those who cut by windows (word_windows.py, question_windows.py). Calls release the
interpreter's lock, so threads can tokenize side by side.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

from tokenizers import Encoding
from tokenizers import Tokenizer as LibraryTokenizer

from .digest import digest_bytes
from .errors import UnsupportedBackbone
from .file import canonical_json
from .file.canonical import Json

# What a row is cut to and filled up to is decided here, whatever the file says.
_OURS = frozenset({"truncation", "padding"})


@dataclass(frozen=True, slots=True)
class TokenizedRow:
    """Token and type ids of one text or pair, with the special tokens; `tokens` before the cut."""

    token_ids: Sequence[int]
    type_ids: Sequence[int]
    tokens: int


@dataclass(frozen=True, slots=True)
class WordTokens:
    """The whole row of a text that was split into words, however long.

    `content` are the places of the tokens that are not special; `words` has each one's word.
    """

    token_ids: Sequence[int]
    type_ids: Sequence[int]
    content: range
    words: Sequence[int]

    def cut(self, start: int, stop: int) -> TokenizedRow:
        """Return the row of the content's tokens from `start` to `stop`, with the special ones."""
        first = self.content.start
        slices = (slice(first), slice(first + start, first + stop), slice(self.content.stop, None))
        return _cut(self.token_ids, self.type_ids, slices)


@dataclass(frozen=True, slots=True)
class PairTokens:
    """The whole row of a question with its context, however long.

    `question` and `context` are the places of their tokens; `spans` has the characters, in the
    context, of each of the context's.
    """

    token_ids: Sequence[int]
    type_ids: Sequence[int]
    question: range
    context: range
    spans: Sequence[tuple[int, int]]

    def cut(self, kept: int, start: int, stop: int) -> TokenizedRow:
        """Return the row of the question's first `kept` tokens and the context's in a window."""
        first = self.context.start
        slices = (
            slice(self.question.start + kept),
            slice(self.question.stop, first),
            slice(first + start, first + stop),
            slice(self.context.stop, None),
        )
        return _cut(self.token_ids, self.type_ids, slices)


class Tokenizer:
    """Texts in, ids out."""

    def __init__(self, document: str) -> None:
        """Build from the text of a `tokenizer.json`; raise ValueError where it is none."""
        try:
            self._tokenizer = LibraryTokenizer.from_str(document)
        except Exception as error:  # noqa: BLE001  (the library raises no narrower class)
            raise ValueError(f"no tokenizer: {error}") from None
        settings = cast("dict[str, Json]", json.loads(document))
        kept = {name: value for name, value in settings.items() if name not in _OURS}
        self.digest = digest_bytes(canonical_json(kept))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.num_ids = 1 + max(self._tokenizer.get_vocab().values(), default=-1)
        # Byte-level vocabularies know a word by the space before it, which split texts have lost.
        self._before_word = " " if _needs_space(kept.get("pre_tokenizer")) else ""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a model folder's `tokenizer.json`; raise UnsupportedBackbone where it has none."""
        path = folder / "tokenizer.json"
        try:
            return cls(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UnsupportedBackbone(f"{folder} has no tokenizer.json") from None
        except ValueError as error:
            raise UnsupportedBackbone(f"{path} cannot be used: {error}") from None

    def tokenize(
        self, texts: Sequence[str | tuple[str, str]], *, max_tokens: int
    ) -> list[TokenizedRow]:
        """Tokenize texts and pairs; cut the longer side first until `max_tokens` are left.

        Special tokens stay: `max_tokens` must have room for them.
        """
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=True)
        return [_row(encoding, max_tokens) for encoding in encodings]

    def tokenize_words(self, texts: Sequence[Sequence[str]]) -> list[WordTokens]:
        """Tokenize texts that are split into words, each word by itself; nothing is cut."""
        space = self._before_word
        split = [[f"{space}{word}" for word in words] if space else list(words) for words in texts]
        return [
            _word_tokens(encoding)
            for encoding in self._tokenizer.encode_batch(split, is_pretokenized=True)
        ]

    def tokenize_questions(self, questions: Sequence[tuple[str, str]]) -> list[PairTokens]:
        """Tokenize questions, each with its context; nothing is cut."""
        return [_pair_tokens(e) for e in self._tokenizer.encode_batch(list(questions))]

    def special_tokens(self, *, pair: bool) -> int:
        """Return how many special tokens a row has."""
        return self._tokenizer.num_special_tokens_to_add(pair)


def _word_tokens(encoding: Encoding) -> WordTokens:
    content = _places(encoding.sequence_ids, 0)
    words = cast("list[int]", encoding.word_ids[content.start : content.stop])
    return WordTokens(encoding.ids, encoding.type_ids, content, words)


def _pair_tokens(encoding: Encoding) -> PairTokens:
    sides = encoding.sequence_ids
    question = _places(sides, 0) or range(0)  # an empty one hides nothing of what follows
    context = _places(sides, 1)
    spans = encoding.offsets[context.start : context.stop]
    return PairTokens(encoding.ids, encoding.type_ids, question, context, spans)


def _places(sides: Sequence[int | None], side: int) -> range:
    """Return the places of one text's tokens, which are adjacent; behind all where it has none."""
    count = sides.count(side)
    start = sides.index(side) if count else len(sides)
    return range(start, start + count)


def _cut(
    token_ids: Sequence[int], type_ids: Sequence[int], slices: Sequence[slice]
) -> TokenizedRow:
    kept_ids = [token for part in slices for token in token_ids[part]]
    kept_types = [kind for part in slices for kind in type_ids[part]]
    return TokenizedRow(kept_ids, kept_types, len(kept_ids))


def _needs_space(pre_tokenizer: Json) -> bool:
    """Whether this part of a `tokenizer.json` leaves a word's first space to the text."""
    if not isinstance(pre_tokenizer, dict):
        return False
    parts = pre_tokenizer.get("pretokenizers")
    if isinstance(parts, list):
        return any(_needs_space(part) for part in parts)
    return pre_tokenizer.get("type") == "ByteLevel" and not pre_tokenizer.get("add_prefix_space")


def _row(encoding: Encoding, max_tokens: int) -> TokenizedRow:
    token_ids, type_ids = encoding.ids, encoding.type_ids
    tokens = len(token_ids)
    if tokens > max_tokens:
        kept = _kept(encoding.sequence_ids, max_tokens)
        token_ids, type_ids = [token_ids[i] for i in kept], [type_ids[i] for i in kept]
    return TokenizedRow(token_ids, type_ids, tokens)


def _kept(sides: Sequence[int | None], max_tokens: int) -> list[int]:
    """Return the places of the tokens that stay, given each one's text: 0, 1, or None if special.

    The library could cut for us, but it also keeps every piece that it cuts off: for a pair, every
    combination of them, hundreds of seconds for two texts of a thousand tokens.
    """
    room = max(max_tokens - sides.count(None), 0)
    left = dict(enumerate(_fit(sides.count(0), sides.count(1), room)))
    kept: list[int] = []
    for place, side in enumerate(sides):
        if side is None:
            kept.append(place)
        elif left[side]:
            left[side] -= 1
            kept.append(place)
    return kept


def _fit(first: int, second: int, room: int) -> tuple[int, int]:
    """Return two sizes that fit: tokens go one by one from the longer side, in a tie the second."""
    half = room // 2
    if second <= half:
        return room - second, second
    if first <= half:
        return first, room - first
    return room - half, half
