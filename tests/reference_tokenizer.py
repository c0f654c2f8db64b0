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
