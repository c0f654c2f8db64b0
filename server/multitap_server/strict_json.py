"""JSON that every reader understands in the same way, or none.

Beyond the grammar (RFC 8259) it refuses what readers disagree about: repeated names, NaN and
Infinity, lone surrogates, and nesting without end (sections 4, 6, 8.2 and 9).
"""

import json
import re
from typing import Final, NoReturn, TypeAlias

from multitap.wire import Fault

from .errors import InvalidRequest, MalformedJson

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

# No body of the contract has objects of more members; each unknown one would be a fault to list.
MAX_MEMBERS: Final = 64
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_json(body: bytes, *, max_depth: int) -> JsonValue:
    """Return the document.

    Raises:
        MalformedJson: it is none; the reason never quotes the body.
        InvalidRequest: an object has more fields than any body of the contract.
    """
    try:
        text = body.decode()
        document: JsonValue = _DECODER.decode(text)
        # Only an escape can bring a surrogate in, and a pair of them is one character by now.
        if _SURROGATE.search(body):
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 at byte {error.start}"
        raise MalformedJson(reason) from error
    except UnicodeEncodeError as error:
        raise MalformedJson("a text has a lone surrogate") from error
    except json.JSONDecodeError as error:
        what = f"{error.msg[:1].lower()}{error.msg[1:]}"
        reason = f"{what} at line {error.lineno} column {error.colno}"
        raise MalformedJson(reason) from error
    except RecursionError as error:
        raise MalformedJson("it is nested too deeply") from error
    except ValueError as error:  # Python bounds the digits of an integer
        raise MalformedJson("a number has too many digits") from error
    if body.count(b"[") + body.count(b"{") > max_depth:
        _require_shallow(document, max_depth)
    return document


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    if len(pairs) > MAX_MEMBERS:
        message = f"an object has {len(pairs)} fields, expected at most {MAX_MEMBERS}"
        raise InvalidRequest([Fault(at="body", message=message)])
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson("an object names a member twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    reason = f"{name} is no JSON number"
    raise MalformedJson(reason)


def _require_shallow(document: JsonValue, max_depth: int) -> None:
    level: list[JsonValue] = [document]
    for _ in range(max_depth + 1):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    reason = f"it is nested more than {max_depth} deep"
    raise MalformedJson(reason)


def _children(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)
