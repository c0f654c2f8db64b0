"""Texts as a terminal shows them: one line, printable, short enough."""

from collections.abc import Iterable
from datetime import datetime

_KIBIBYTE = 1024


def one_line(text: str) -> str:
    """Return the text in one line; characters that would steer the terminal are escaped."""
    return "".join(c if c.isprintable() else _escape(c) for c in " ".join(text.split()))


def shorten(text: str, limit: int) -> str:
    """Return the text in one line of at most `limit` characters."""
    line = one_line(text[: 4 * limit])
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def shorten_list(items: Iterable[str], limit: int) -> str:
    """Return as many items as fit, and how many more there are."""
    names = [shorten(item, limit) for item in items]
    text = ", ".join(names)
    if len(text) <= limit:
        return text
    shown = list[str]()
    for name in names:
        if sum(len(each) + 2 for each in shown) + len(name) > limit:
            break
        shown.append(name)
    return f"{', '.join(shown or names[:1])}, … ({len(names)} in all)"


def short_digest(digest: str) -> str:
    """Return the first twelve digits, enough to tell versions apart by eye."""
    return digest.removeprefix("sha256:")[:12]


def size(size_bytes: int) -> str:
    """Return a size in the largest fitting unit."""
    if size_bytes < _KIBIBYTE:
        return f"{size_bytes} bytes"
    value = size_bytes / _KIBIBYTE
    if value < _KIBIBYTE:
        return f"{value:.1f} KiB"
    return f"{value / _KIBIBYTE:.1f} MiB"


def local_time(at: datetime) -> str:
    """Return a time in this machine's zone, to the minute."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


def _escape(character: str) -> str:
    return character.encode("unicode_escape", errors="backslashreplace").decode("ascii")
