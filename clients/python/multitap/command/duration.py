"""Durations as people write them: ``30d``, ``24h``, ``90m``, ``45s``."""

import re
from datetime import timedelta
from typing import Final

from .failures import UsageError

_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_PATTERN: Final = re.compile(r"([0-9]{1,6})([dhms])")


def parse_duration(text: str, option: str) -> timedelta:
    """Parse a duration; the option is for the message. Raises: UsageError."""
    found = _PATTERN.fullmatch(text)
    if found is None:
        message = f"{option} is {text!r}, expected a number and one of d, h, m, s, such as 30d"
        raise UsageError(message)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
