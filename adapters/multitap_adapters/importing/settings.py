"""The libraries' JSON configurations, read with a bound, each value checked as it is taken."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from multitap_adapters.file.errors import FaultList, shown
from multitap_adapters.file.strict_json import JsonValue, parse_json

from .errors import FolderRefused

MAX_BYTES = 1 << 20  # a configuration is a few kilobytes, ten thousand labels included


class Settings:
    """One JSON object; `at` names it in messages. A value of the wrong type is a FolderRefused."""

    def __init__(self, document: Mapping[str, JsonValue], at: str) -> None:
        self._document = document
        self.at = at

    def __contains__(self, name: str) -> bool:
        return self._document.get(name) is not None

    def names(self) -> tuple[str, ...]:
        """Return the names of all settings, those that are null included."""
        return tuple(self._document)

    def value(self, name: str) -> JsonValue:
        """Return a setting as it stands, None where there is none."""
        return self._document.get(name)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a truth value; null is false, as the libraries take it."""
        value = self._document.get(name, default)
        if value is None:
            return False
        return value if isinstance(value, bool) else self._refuse(name, "true or false")

    def text(self, name: str) -> str | None:
        """Return a text, or None where there is none."""
        value = self.value(name)
        return value if value is None or isinstance(value, str) else self._refuse(name, "a text")

    def integer(self, name: str, default: int) -> int:
        """Return an integer; a number without fraction counts as one."""
        value = self.number(name, default)
        return int(value) if value.is_integer() else self._refuse(name, "an integer")

    def number(self, name: str, default: float) -> float:
        """Return a finite number."""
        value = self.value(name)
        number = default if value is None else as_number(value)
        return self._refuse(name, "a number") if number is None else float(number)

    def layers(self, name: str) -> tuple[int, ...]:
        """Return a list of layer indices, ascending and without repetition; one alone is a list."""
        value = self.value(name)
        items = [] if value is None else value if isinstance(value, list) else [value]
        found = [v for v in items if isinstance(v, int) and not isinstance(v, bool) and v >= 0]
        return tuple(sorted(set(found))) if found == items else self._refuse(name, "layer indices")

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; one alone is a list."""
        value = self.value(name)
        items = [] if value is None else value if isinstance(value, list) else [value]
        found = tuple(item for item in items if isinstance(item, str))
        return found if len(found) == len(items) else self._refuse(name, "a list of texts")

    def inner(self, name: str) -> "Settings | None":
        """Return a setting that is an object itself, or None where there is none."""
        value = self.value(name)
        if value is None:
            return None
        return (
            Settings(value, f"{name} in {self.at}")
            if isinstance(value, dict)
            else self._refuse(name, "an object")
        )

    def numbers(self, name: str) -> dict[str, float]:
        """Return an object of numbers by name, in the order in which they stand."""
        inner = self.inner(name)
        return {} if inner is None else {each: inner.number(each, 0.0) for each in inner.names()}

    def _refuse(self, name: str, expected: str) -> NoReturn:
        raise FolderRefused(f"{name} in {self.at} is {shown(self.value(name))}, not {expected}")


def as_number(value: JsonValue) -> float | None:
    """Return a finite JSON number as a float, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def read_settings(path: Path) -> Settings:
    """Read a configuration file.

    Raises:
        FolderRefused: it is too large, or no JSON object.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise FolderRefused(f"{path} is larger than {MAX_BYTES} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise FolderRefused(f"{path} is not UTF-8 at byte {error.start}") from None
    faults = FaultList()
    document = parse_json(text, str(path), faults)
    if faults.total:
        raise FolderRefused(str(faults.kept[0]))
    if not isinstance(document, dict):
        raise FolderRefused(f"{path} holds no JSON object")
    return Settings(document, str(path))
