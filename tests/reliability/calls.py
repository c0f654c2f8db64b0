"""What clients asked of a registry and what they heard: the record that a history is checked by."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from sample_adapters import sample_adapter

Verb: TypeAlias = Literal[
    "publish",
    "reject",
    "point",
    "rollback",
    "delete_alias",
    "delete_version",
    "delete_task",
    "tag",
    "untag",
    "look",
]
# Where an alias must be for a move: a version, None for 'must not exist', or anywhere.
Expected: TypeAlias = int | Literal["anywhere"] | None

_LARGE_LABELS = tuple(f"label-{number}" for number in range(500))


@dataclass(frozen=True, slots=True)
class Call:
    """One call; `id` is its request id, and no other call's.

    `seed` says which adapter is published; `look` asks for the version that `live` points at.
    """

    id: str
    verb: Verb
    task: str
    seed: int = 0
    alias: str | None = None
    version: int = 0
    expected: Expected = "anywhere"
    tag: str = ""
    force: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client heard; `unknown` where it heard nothing, or that the storage failed."""

    outcome: Literal["ok", "refused", "unknown"]
    code: str | None = None
    version: int | None = None
    created: bool = False


UNKNOWN = Answer("unknown")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call with its answer, and from when to when the client waited, in seconds."""

    call: Call
    answer: Answer
    began_s: float
    ended_s: float


@lru_cache(maxsize=256)
def content(seed: int) -> bytes:
    """Return the adapter of a seed: about 1 KiB, and every eighth about 70 KiB."""
    return sample_adapter(seed, labels=_LARGE_LABELS if seed % 8 == 7 else ("no", "yes"))


@lru_cache(maxsize=65_536)
def digest(seed: int) -> str:
    """Return the digest of the adapter of a seed, as this side computes it."""
    return f"sha256:{hashlib.sha256(content(seed)).hexdigest()}"
