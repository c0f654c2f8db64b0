"""Canonical JSON: one sequence of bytes for one document, so that documents can be hashed."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


def canonical_json(document: Json) -> bytes:
    """Return the document as UTF-8 JSON, keys sorted by code point, without spaces.

    Only what JSON must escape is escaped. Numbers stand as Python writes them: integers in full,
    floats as the shortest text that reads back as the same float.

    Raises:
        ValueError: a number is not finite, or a text has a lone surrogate.
    """
    text = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()
