"""JSON without its usual leniencies: no duplicate keys, no NaN, no bombs, no half characters.

A document that passes means the same to every JSON reader.
"""

import json
import math
from typing import TypeAlias, cast

from .errors import FaultList, shown

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

MAX_DEPTH = 16
_MAX_DIGITS = 20
_MAX_KEY = 200  # in a fault's place


class _Members(list[tuple[str, object]]):
    """An object's members as they stand in the text, duplicates included."""


class _Refused(str):
    """A number that JSON or this reader does not take; the text says why."""

    __slots__ = ()


def parse_json(text: str, at: str, faults: FaultList) -> JsonValue:
    """Parse a JSON text; what is wrong is added to the faults, and stands as None in the result."""
    try:
        raw = cast(
            "object",
            json.loads(
                text,
                object_pairs_hook=_Members,
                parse_int=_integer,
                parse_float=_float,
                parse_constant=_constant,
            ),
        )
    except RecursionError:
        faults.add(at, f"JSON is nested deeper than {MAX_DEPTH} levels")
    except json.JSONDecodeError as error:
        faults.add(at, f"not JSON: {error.msg.lower()} at character {error.pos}")
    else:
        return _settle(raw, at, faults, depth=1)
    return None


def _settle(value: object, at: str, faults: FaultList, *, depth: int) -> JsonValue:
    match value:
        case _Refused():
            faults.add(at, str(value))
            return None
        case str():
            return _text(value, at, faults)
        case None | bool() | int() | float():
            return value
        case _ if depth > MAX_DEPTH:
            faults.add(at, f"JSON is nested deeper than {MAX_DEPTH} levels")
            return None
        case _Members():
            return _object(value, at, faults, depth=depth)
        case _:
            items = cast("list[object]", value)
            return [_settle(v, f"{at}.{i}", faults, depth=depth + 1) for i, v in enumerate(items)]


def _object(members: _Members, at: str, faults: FaultList, *, depth: int) -> dict[str, JsonValue]:
    settled: dict[str, JsonValue] = {}
    for key, value in members:
        if key in settled:
            faults.add(at, f"duplicate key {shown(key)}")
            continue
        _text(key, at, faults)
        settled[key] = _settle(value, f"{at}.{key[:_MAX_KEY]}", faults, depth=depth + 1)
    return settled


def _text(text: str, at: str, faults: FaultList) -> str | None:
    if "\0" in text:
        faults.add(at, f"text with a NUL character: {shown(text)}")
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        faults.add(at, f"text with a lone surrogate: {shown(text)}")
        return None
    return text


def _integer(text: str) -> int | _Refused:
    if len(text) > _MAX_DIGITS:
        return _Refused(f"an integer of {len(text)} characters, expected at most {_MAX_DIGITS}")
    if text == "-0":
        return _Refused("the integer -0 means different things to different readers")
    return int(text)


def _float(text: str) -> float | _Refused:
    number = float(text)
    return number if math.isfinite(number) else _Refused(f"number {shown(text)} is too large")


def _constant(text: str) -> _Refused:
    return _Refused(f"{text} is not a JSON number")
