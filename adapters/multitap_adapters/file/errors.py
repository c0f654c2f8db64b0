"""What is wrong with a file: every fault with its place, gathered into one error.

AdapterFileError    a file, or what should become one, breaks the format
"""

from dataclasses import dataclass, field

MAX_FAULTS = 100
_MAX_PLACE = 240
_MAX_MESSAGE = 400


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    ``at`` is ``file``, ``header``, ``spec.<path>`` or ``tensors.<name>``.
    """

    at: str
    message: str

    def __str__(self) -> str:
        return f"{self.at}: {self.message}"


class AdapterFileError(Exception):
    """The file breaks the format; ``faults`` says everything that is wrong with it.

    After the first hundred faults the last entry of ``faults`` says how many more there are, and
    ``total`` counts them all.
    """

    def __init__(self, faults: tuple[Fault, ...], *, total: int | None = None) -> None:
        self.total = len(faults) if total is None else total
        left_out = self.total - len(faults)
        if left_out:
            faults = (*faults, Fault("file", f"{left_out} more faults are not listed"))
        self.faults = faults
        others = self.total - 1
        more = f" (and {others} more fault{'s' if others > 1 else ''})" if others > 0 else ""
        super().__init__(f"{faults[0]}{more}")


@dataclass(slots=True)
class FaultList:
    """Gathers faults while a file is read; keeps the first hundred and counts the others."""

    total: int = 0
    kept: list[Fault] = field(default_factory=list[Fault])

    def add(self, at: str, message: str) -> None:
        """Record one fault; long texts are cut, and made printable."""
        self.total += 1
        if len(self.kept) < MAX_FAULTS:
            self.kept.append(Fault(_printable(at, _MAX_PLACE), _printable(message, _MAX_MESSAGE)))

    def error(self) -> AdapterFileError:
        """Return the one error for all faults; there must be one at least."""
        return AdapterFileError(tuple(self.kept), total=self.total)


def shown(value: object) -> str:
    """Return a value as a fault shows it: its repr, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 (a readable length)


def _printable(text: str, limit: int) -> str:
    cut = text if len(text) <= limit else f"{text[: limit - 3]}..."
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)
