"""Where the command writes: tables and JSON to stdout, progress to stderr."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

_PIPE_WIDTH = 200  # columns where there is no terminal that says how wide it is


def stderr() -> Console:
    """Return the console for progress and remarks."""
    return _console(sys.stderr.isatty(), stderr=True)


def table(*columns: str, right: Iterable[str] = ()) -> Table:
    """Return an empty table; the columns named in `right` are aligned for numbers."""
    empty = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        empty.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return empty


def facts(rows: Mapping[str, str]) -> Table:
    """Return a table of names and values, without a head."""
    filled = Table(box=None, show_header=False, pad_edge=False)
    filled.add_column(style="bold", no_wrap=True)
    filled.add_column(overflow="fold")
    for name, value in rows.items():
        filled.add_row(name, value)
    return filled


def show(*parts: str | Table) -> None:
    """Print results to stdout, one below the other; in a pipe, no line ends with spaces."""
    console = _console(sys.stdout.isatty(), stderr=False)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    lines = capture.get().splitlines(keepends=True)
    sys.stdout.writelines(lines if console.is_terminal else [f"{x.rstrip()}\n" for x in lines])


def write_json(text: str) -> None:
    """Write one JSON document as UTF-8, whatever the terminal's encoding is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(f"{text}\n".encode())
    sys.stdout.buffer.flush()


def to_json(document: Mapping[str, object] | Sequence[object]) -> str:
    """Return a document of plain values as JSON."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _console(is_terminal: bool, *, stderr: bool) -> Console:  # noqa: FBT001 (private)
    return Console(
        stderr=stderr,
        markup=False,
        emoji=False,
        highlight=False,
        width=None if is_terminal else _PIPE_WIDTH,
    )
