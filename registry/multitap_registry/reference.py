"""What a client may name: a task, and one of its versions or aliases.

A reference is parsed once, where it enters; file names and queries are built from parsed ones only.
"""

import re
from dataclasses import dataclass
from typing import Self

from multitap_adapters.spec import DIGEST_PATTERN, TASK_PATTERN

from .errors import InvalidReference

LIVE = "live"
ALIAS_PATTERN = r"^[a-z][a-z0-9._-]{0,31}$"

TAG_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,63}$"

_TASK = re.compile(TASK_PATTERN)
_ALIAS = re.compile(ALIAS_PATTERN)
_TAG = re.compile(TAG_PATTERN)
_DIGEST = re.compile(DIGEST_PATTERN)
_VERSION = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Reference:
    """``task@7``, ``task@candidate`` or ``task``, which means ``task@live``."""

    task: str
    target: int | str = LIVE

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a reference; raise InvalidReference where the grammar is broken."""
        task, at, target = text.partition("@")
        parse_task(task)
        if not at:
            return cls(task)
        if _VERSION.fullmatch(target):
            return cls(task, int(target))
        return cls(task, parse_alias(target))

    def __str__(self) -> str:
        return f"{self.task}@{self.target}"


def parse_task(text: str) -> str:
    """Return the text if it is a task name; raise InvalidReference otherwise."""
    if not _TASK.fullmatch(text):
        raise InvalidReference(text, "task name ([a-z0-9._-], at most 63 characters)")
    return text


def parse_alias(text: str) -> str:
    """Return the text if it is an alias; raise InvalidReference otherwise."""
    if not _ALIAS.fullmatch(text):
        raise InvalidReference(text, "alias ([a-z0-9._-] after a letter, at most 32 characters)")
    return text


def parse_tag(text: str) -> str:
    """Return the text if it is a tag; raise InvalidReference otherwise."""
    if not _TAG.fullmatch(text):
        raise InvalidReference(
            text, "tag ([A-Za-z0-9._:/+=-] after a letter or digit, at most 64 characters)"
        )
    return text


def parse_digest(text: str) -> str:
    """Return the text if it is a digest; raise InvalidReference otherwise."""
    if not _DIGEST.fullmatch(text):
        raise InvalidReference(text, "digest (sha256: and 64 hexadecimal digits)")
    return text
