"""Token ids as `transformers` computes them, the reference for our tokenizer."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

from transformers import PreTrainedTokenizerFast


def reference_ids(folder: Path, text: str | tuple[str, str]) -> tuple[list[int], list[int]]:
    """Return a text's or a pair's token and type ids, neither cut nor padded."""
    build = cast("Callable[..., object]", PreTrainedTokenizerFast)  # untyped
    tokenizer = build(tokenizer_file=str(folder / "tokenizer.json"))
    encode = cast("Callable[..., dict[str, list[list[int]]]]", tokenizer)
    # A list of one, since `transformers` takes a lone pair with an empty side for a single text.
    rows = encode([text], truncation=False, padding=False, return_token_type_ids=True)
    return rows["input_ids"][0], rows["token_type_ids"][0]


def reference_words(folder: Path, words: list[str]) -> tuple[list[int], list[int | None]]:
    """Return the token ids of a text that is split into words, and the word of each token."""
    build = cast("Callable[..., object]", PreTrainedTokenizerFast)  # untyped
    tokenizer = build(tokenizer_file=str(folder / "tokenizer.json"))
    encode = cast("Callable[..., object]", tokenizer)
    row = encode(words, is_split_into_words=True, truncation=False, padding=False)
    word_ids = cast("Callable[[], list[int | None]]", getattr(row, "word_ids"))  # noqa: B009  untyped
    return cast("dict[str, list[int]]", row)["input_ids"], word_ids()
