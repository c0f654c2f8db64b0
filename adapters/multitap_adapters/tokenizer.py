"""A backbone's tokenizer without its own truncation and padding: we cut, and never pad.

Calls release the interpreter's lock, so threads can tokenize side by side.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Encoding
from tokenizers import Tokenizer as LibraryTokenizer

from .digest import digest_bytes
from .errors import UnsupportedBackbone
from .file import canonical_json


@dataclass(frozen=True, slots=True)
class TokenizedRow:
    """Token and type ids of one text or pair, with the special tokens; `tokens` before the cut."""

    token_ids: Sequence[int]
    type_ids: Sequence[int]
    tokens: int


class Tokenizer:
    """Texts in, ids out."""

    def __init__(self, document: str) -> None:
        """Build from the text of a `tokenizer.json`."""
        settings = json.loads(document)
        for ours in ("truncation", "padding"):
            settings.pop(ours, None)
        self.digest = digest_bytes(canonical_json(settings))
        self._tokenizer = LibraryTokenizer.from_str(document)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    @classmethod
    def read(cls, folder: Path) -> "Tokenizer":
        """Read a model folder's `tokenizer.json`; raise UnsupportedBackbone where it has none."""
        path = folder / "tokenizer.json"
        try:
            return cls(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UnsupportedBackbone(f"{folder} has no tokenizer.json") from None

    def tokenize(
        self, texts: Sequence[str | tuple[str, str]], *, max_tokens: int
    ) -> list[TokenizedRow]:
        """Tokenize texts and pairs; cut the longer side first until `max_tokens` are left."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=True)
        return [
            self._row(text, encoding, max_tokens)
            for text, encoding in zip(texts, encodings, strict=True)
        ]

    def _row(
        self, text: str | tuple[str, str], encoding: Encoding, max_tokens: int
    ) -> TokenizedRow:
        tokens = len(encoding.ids)
        if tokens > max_tokens:
            encoding = self._cut(text, max_tokens)
        return TokenizedRow(encoding.ids, encoding.type_ids, tokens)

    def _cut(self, text: str | tuple[str, str], max_tokens: int) -> Encoding:
        texts = [text] if isinstance(text, str) else list(text)
        parts = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        room = max_tokens - self._tokenizer.num_special_tokens_to_add(len(parts) > 1)
        for part, size in zip(parts, _fit([len(part.ids) for part in parts], room), strict=True):
            part.truncate(size)
        return self._tokenizer.post_process(parts[0], parts[1] if len(parts) > 1 else None)


def _fit(sizes: list[int], room: int) -> list[int]:
    """Return sizes that fit, taken from the longer side first."""
    if len(sizes) == 1:
        return [min(sizes[0], max(room, 0))]
    first, second = sizes
    half = max(room, 0) // 2
    if first <= half:
        return [first, max(room, 0) - first]
    if second <= half:
        return [max(room, 0) - second, second]
    return [max(room, 0) - half, half]
