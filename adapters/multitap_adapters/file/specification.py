"""From the specification's JSON text to its model, every fault with its path."""

from pydantic import ValidationError

from multitap_adapters.spec import AdapterSpec

from .errors import FaultList, shown
from .strict_json import JsonValue, parse_json

FORMAT = 1
MAX_VALUES = 32_768  # a validator that finds a fault in each of them needs some 50 MB


def parse_spec(text: str, faults: FaultList) -> AdapterSpec | None:
    """Return the specification, or None after adding everything that is wrong to the faults."""
    before = faults.total
    document = parse_json(text, "spec", faults)
    if faults.total > before:
        return None
    if not isinstance(document, dict):
        faults.add("spec", f"expected a JSON object, got {shown(document)}")
        return None
    values = _count(document)
    if values > MAX_VALUES:
        faults.add("spec", f"{values} JSON values, expected at most {MAX_VALUES}")
        return None
    if not _check_format(document.get("format"), faults):
        return None
    try:
        return AdapterSpec.model_validate_json(text)
    except ValidationError as error:
        _add_all(error, document, faults)
        return None


def _check_format(number: JsonValue, faults: FaultList) -> bool:
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        faults.add("spec.format", f"expected a format number from 1, got {shown(number)}")
        return False
    if number > FORMAT:
        faults.add(
            "spec.format", f"format {number} is newer than this reader knows, which is {FORMAT}"
        )
        return False
    return True


def _count(value: JsonValue) -> int:
    match value:
        case dict():
            return 1 + sum(map(_count, value.values()))
        case list():
            return 1 + sum(map(_count, value))
        case _:
            return 1


def _add_all(error: ValidationError, document: JsonValue, faults: FaultList) -> None:
    for detail in error.errors(include_url=False, include_context=False):
        message = detail["msg"].removeprefix("Value error, ").replace("Input should", "should")
        if detail["type"] == "missing":
            message = "is missing"
        elif isinstance(detail["input"], (str, int, float)):
            message = f"{message}, got {shown(detail['input'])}"
        path = _path(detail["loc"], document, missing=detail["type"] == "missing")
        faults.add(".".join(("spec", *path)), message[:1].lower() + message[1:])


def _path(loc: tuple[int | str, ...], document: JsonValue, *, missing: bool) -> list[str]:
    """Return a location as a path in the document, without pydantic's names of union branches."""
    path: list[str] = []
    value = document
    for step in loc:
        inner = _step(value, step)
        if inner is not None:
            path.append(str(step))
            (value,) = inner
    return [*path, str(loc[-1])] if missing else path


def _step(value: JsonValue, step: int | str) -> tuple[JsonValue] | None:
    """Return what stands one step further, boxed since it may be None; None if nothing does."""
    match value:
        case dict():
            return (value[str(step)],) if step in value else None
        case list():
            return (value[step],) if isinstance(step, int) and step < len(value) else None
        case _:
            return None
