"""What goes wrong in the command, as the lines that its user reads."""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import typer

import multitap

from .wording import one_line


class CommandError(Exception):
    """Something that the user can do something about: one sentence, and details below it."""

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        self.message = message
        self.details = tuple(details)
        super().__init__(message)


class UsageError(CommandError):
    """Arguments that do not go together."""


def report_failure(error: Exception) -> int | None:
    """Print an error and return the exit code; None where the error is a bug."""
    if isinstance(error, typer.TyperException):
        message = error.format_message()
        return _print(message[:1].lower() + message[1:].removesuffix("."), code=error.exit_code)
    if isinstance(error, CommandError):
        code = 2 if isinstance(error, UsageError) else 1
        return _print(error.message, error.details, code=code)
    if isinstance(error, multitap.MultitapError):
        return _print(error.detail, fault_lines(error))
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        return _print(reason if error.filename is None else f"{error.filename}: {reason}")
    return None


def fault_lines(error: "multitap.MultitapError") -> list[str]:
    """Return the faults that a server found, one a line; a single one is in the detail already."""
    if len(error.errors) == 1:
        return []
    return [f"{fault.at}: {fault.message}" for fault in error.errors]


@contextmanager
def extra(name: str) -> Generator[None]:
    """Import what an extra installs; where it is not installed, say how to get it.

    Raises:
        CommandError: a package of somebody else's is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0].startswith("multitap"):
            raise
        message = f'{error.name} is not installed; get it with: pip install "multitap[{name}]"'
        raise CommandError(message) from error


def _print(message: str, details: Sequence[str] = (), *, code: int = 1) -> int:
    lines = [f"multitap: error: {one_line(message)}"]
    lines += [f"  {one_line(detail)}" for detail in details]
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return code
