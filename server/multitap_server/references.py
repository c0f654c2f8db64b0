"""References of a lookup: a text that breaks the grammar names nothing, so it is not found."""

from typing import Final

from multitap.wire import Fault
from multitap_registry.errors import (
    AliasNotFound,
    InvalidReference,
    TaskNotFound,
    VersionNotFound,
)
from multitap_registry.reference import Reference, parse_alias, parse_task

from .errors import InvalidRequest

_SHOWN: Final = 100
# One digit more than the registry ever gives out: enough to name what cannot exist.
_DIGITS: Final = 19


def lookup_reference(text: str) -> Reference:
    """Parse a reference. Raises: TaskNotFound, VersionNotFound, AliasNotFound."""
    try:
        return Reference.parse(text)
    except InvalidReference as error:
        task, _, target = text.partition("@")
        lookup_task(task)
        if target.isascii() and target.isdigit():
            raise VersionNotFound(task, int(target[:_DIGITS])) from error
        raise AliasNotFound(task, target[:_SHOWN]) from error


def lookup_task(text: str) -> str:
    """Return a task's name. Raises: TaskNotFound."""
    try:
        return parse_task(text)
    except InvalidReference as error:
        raise TaskNotFound(text[:_SHOWN]) from error


def lookup_version(task: str, text: str) -> int:
    """Return a version's number. Raises: TaskNotFound, VersionNotFound."""
    lookup_task(task)
    digits = text.isascii() and text.isdigit()
    number = int(text[:_DIGITS]) if digits else 0
    if str(number) != text or not 0 < number < 10 ** (_DIGITS - 1):
        raise VersionNotFound(task, number)
    return number


def lookup_alias(task: str, text: str) -> str:
    """Return an alias of a task. Raises: TaskNotFound, AliasNotFound."""
    lookup_task(task)
    try:
        return parse_alias(text)
    except InvalidReference as error:
        raise AliasNotFound(task, text[:_SHOWN]) from error


def require_new_task(text: str) -> str:
    """Return the name of a task that may be made. Raises: InvalidRequest."""
    try:
        return parse_task(text)
    except InvalidReference as error:
        raise InvalidRequest([Fault(at="task", message=str(error))]) from error


def require_new_alias(text: str) -> str:
    """Return an alias that may be made. Raises: InvalidRequest."""
    try:
        return parse_alias(text)
    except InvalidReference as error:
        raise InvalidRequest([Fault(at="alias", message=str(error))]) from error
