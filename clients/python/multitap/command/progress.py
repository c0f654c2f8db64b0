"""Progress bars on stderr, shown on a terminal only."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from .console import stderr


@contextmanager
def byte_progress(title: str) -> Generator[Callable[[int, int], None]]:
    """Yield a function that takes the bytes done and the bytes in all."""
    console = stderr()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        bar = progress.add_task(title, total=None)

        def show(done_bytes: int, total_bytes: int) -> None:
            progress.update(bar, completed=done_bytes, total=total_bytes)

        yield show


@contextmanager
def row_progress(title: str, total: int | None) -> Generator[Callable[[int], None]]:
    """Yield a function that takes the number of rows done since its last call."""
    console = stderr()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        bar = progress.add_task(title, total=total)

        def show(rows: int) -> None:
            progress.advance(bar, rows)

        yield show
