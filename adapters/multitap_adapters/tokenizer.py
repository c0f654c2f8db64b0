"""A backbone's tokenizer without its own truncation and padding: we cut, and never pad.

Calls release the interpreter's lock, so threads can tokenize side by side.
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
