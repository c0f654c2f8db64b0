"""Which modules a `peft` configuration targets, resolved over a family's module names.

The rules are those of `peft` 0.21.2: `check_target_module_exists` and
`_maybe_include_all_linear_layers` in `tuners/tuners_utils.py`, `get_pattern_key` in
`utils/other.py`. Names are those inside the wrapped model, with the base model's prefix if it has
one.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from .errors import FolderRefused
from .settings import Settings

ALL_LINEAR = "all-linear"
_MAX_PATTERN = 1_000

ValueT = TypeVar("ValueT")


def targeted(
    settings: Settings, modules: Iterable[str], default: tuple[str, ...] | None
) -> tuple[str, ...]:
    """Return the modules that are targeted, in the order in which they are given.

    `default` is what `peft` targets where a configuration names nothing, None for a family without
    such a default. `modules` are those that could be: linear layers, without the head.

    Raises:
        FolderRefused: there is nothing to go by, or a pattern is none.
    """
    return tuple(name for name in modules if _targets(settings, name, default))


def pattern_value(patterns: Mapping[str, ValueT], name: str, default: ValueT) -> ValueT:
    """Return the value of the first pattern that matches the end of a module's name."""
    for pattern, value in patterns.items():
        if match(rf"(.*\.)?({pattern})$", name):
            return value
    return default


def match(pattern: str, name: str, *, whole: bool = False) -> bool:
    """Return whether a pattern of a configuration matches. Raises: FolderRefused."""
    if len(pattern) > _MAX_PATTERN:
        raise FolderRefused(f"a pattern of {len(pattern)} characters is too long")
    try:
        return bool((re.fullmatch if whole else re.match)(pattern, name))
    except re.error as error:
        raise FolderRefused(f"{pattern!r} is no regular expression: {error}") from None


def _targets(settings: Settings, name: str, default: tuple[str, ...] | None) -> bool:
    if _excluded(settings, name):
        return False
    if "target_modules" not in settings:
        if default is None:
            raise FolderRefused(f"{settings.at} names no target_modules, and there is no default")
        return _ends(name, default) and _in_layers(settings, name)
    value = settings.value("target_modules")
    if isinstance(value, str):
        return value.lower() == ALL_LINEAR or match(value, name, whole=True)
    return _ends(name, settings.texts("target_modules")) and _in_layers(settings, name)


def _excluded(settings: Settings, name: str) -> bool:
    excluded = settings.value("exclude_modules")
    if isinstance(excluded, str):
        if match(excluded, name, whole=True):
            return True
    elif _ends(name, settings.texts("exclude_modules")):
        return True
    saved = settings.texts("modules_to_save")
    return any(match(rf"(^|.*\.){each}($|\..*)", name) for each in saved)


def _ends(name: str, suffixes: Iterable[str]) -> bool:
    return any(name == suffix or name.endswith(f".{suffix}") for suffix in suffixes)


def _in_layers(settings: Settings, name: str) -> bool:
    layers = settings.layers("layers_to_transform")
    if "layers_to_transform" not in settings or settings.value("layers_to_transform") == []:
        return True
    patterns = [rf"(?:^|.*?\.){each}" for each in settings.texts("layers_pattern") if each]
    for pattern in patterns or [r".*?\.[^.]*"]:
        found = _numbered(pattern, name)
        if found is not None:
            return found in layers
    return False


def _numbered(pattern: str, name: str) -> int | None:
    if not match(rf"{pattern}\.\d+\.", name):
        return None
    found = re.match(rf"{pattern}\.(?P<index>\d+)\.", name)
    return None if found is None else int(found["index"])
