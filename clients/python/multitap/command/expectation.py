"""Where an alias must be for a command to move it, as a command line says it."""

from multitap.unset import UNSET, Unset

from .failures import UsageError

NOWHERE = "none"


def parse_expected(text: str | None) -> int | Unset | None:
    """Return a version, None for an alias that must not exist, UNSET where nothing was said.

    Raises: UsageError.
    """
    if text is None:
        return UNSET
    if text == NOWHERE:
        return None
    if not (text.isascii() and text.isdecimal()):
        message = f"--expected must be a version's number or `{NOWHERE}`, got {text!r}"
        raise UsageError(message)
    return int(text)
