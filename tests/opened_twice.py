"""One registry opened twice: by its server, and beside it."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from multitap_registry.folder import open_beside, open_registry
from multitap_registry.sql import SqlRegistry


@dataclass(frozen=True)
class Pair:
    """A server's registry, and the same one opened beside it."""

    server: SqlRegistry
    beside: SqlRegistry


@contextmanager
def opened_twice(
    folder: Path, database: str | None = None, blobs: str | None = None
) -> Generator[Pair]:
    """Open a new registry twice."""
    with (
        open_registry(folder, database=database, blobs=blobs) as server,
        open_beside(folder, database=database, blobs=blobs) as beside,
    ):
        yield Pair(server, beside)
