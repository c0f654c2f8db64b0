"""Rows of random tokens, the same for the same seed."""

import random
from collections.abc import Sequence

from multitap_adapters.tokenizer import TokenizedRow


def random_rows(
    lengths: Sequence[int], *, ids: int, types: int, seed: int = 0
) -> list[TokenizedRow]:
    """Return rows of random tokens; behind a random place the type is the last one."""
    choose = random.Random(seed)  # noqa: S311  (test data)
    rows: list[TokenizedRow] = []
    for length in lengths:
        first = choose.randint(1, length)
        token_ids = [choose.randrange(ids) for _ in range(length)]
        type_ids = [0] * first + [types - 1] * (length - first)
        rows.append(TokenizedRow(token_ids, type_ids, length))
    return rows
