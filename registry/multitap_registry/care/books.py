"""A registry's tables as one snapshot shows them, but for the lines of its logs.

Logs only grow: their lines up to the end that a snapshot saw are read later, page by page. No
transaction is open for longer than reading takes, since one would block the server's commits.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Connection, func, select

from multitap_registry.database import Database
from multitap_registry.head import Head, read_head
from multitap_registry.schema import ALIAS_HISTORY, ALIASES, AUDIT, EVENTS, TASKS, VERSIONS

AliasName: TypeAlias = tuple[str, str]
VersionName: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class VersionRow:
    """What a check needs of a version."""

    task: str
    version: int
    state: str
    digest: str
    size_bytes: int

    def __str__(self) -> str:
        return f"{self.task}@{self.version}"


@dataclass(frozen=True, slots=True)
class MoveRow:
    """What a check needs of an alias's move."""

    move: int
    origin: int | None
    target: int | None


@dataclass(frozen=True, slots=True)
class Books:
    """The tables at one moment, each in the order of its numbers.

    `next_versions` has a number for each task; `last_event` and `last_line` are the highest numbers
    of rows, 0 for none, where `head` is where the logs should end.
    """

    head: Head
    last_event: int
    last_line: int
    next_versions: Mapping[str, int]
    versions: Mapping[VersionName, VersionRow]
    aliases: Mapping[AliasName, int]
    moves: Mapping[AliasName, Sequence[MoveRow]]

    def ready(self) -> Mapping[str, Sequence[VersionRow]]:
        """Return the ready versions by their digest."""
        found: defaultdict[str, list[VersionRow]] = defaultdict(list)
        for row in self.versions.values():
            if row.state == "ready":
                found[row.digest].append(row)
        return found


def read_books(database: Database) -> Books:
    """Read the tables. Raises: StorageFull, StorageUnavailable."""
    with database.snapshot() as connection:
        moves: defaultdict[AliasName, list[MoveRow]] = defaultdict(list)
        lines = ALIAS_HISTORY.c
        for task, alias, *move in connection.execute(
            select(
                lines.task, lines.alias, lines.move, lines.from_version, lines.to_version
            ).order_by(lines.task, lines.alias, lines.move)
        ):
            moves[task, alias].append(MoveRow(*move))
        return Books(
            head=read_head(connection),
            last_event=connection.scalar(select(func.max(EVENTS.c.seq))) or 0,
            last_line=connection.scalar(select(func.max(AUDIT.c.seq))) or 0,
            next_versions={
                row.name: row.next_version
                for row in connection.execute(select(TASKS.c.name, TASKS.c.next_version))
            },
            versions=_read_versions(connection),
            aliases={
                (task, alias): version
                for task, alias, version in connection.execute(select(ALIASES))
            },
            moves=moves,
        )


def read_ready_digests(
    database: Database, *, without: frozenset[VersionName] = frozenset()
) -> frozenset[str]:
    """Return the digests of all ready versions but some.

    Raises: StorageFull, StorageUnavailable.
    """
    ready = select(VERSIONS.c.task, VERSIONS.c.version, VERSIONS.c.digest).where(
        VERSIONS.c.state == "ready"
    )
    with database.snapshot() as connection:
        return frozenset(
            digest
            for task, version, digest in connection.execute(ready)
            if (task, version) not in without
        )


def has_ready_version(connection: Connection, digest: str) -> bool:
    """Return whether a ready version needs a blob."""
    ready = select(VERSIONS.c.version).where(
        VERSIONS.c.digest == digest, VERSIONS.c.state == "ready"
    )
    return connection.execute(ready.limit(1)).first() is not None


def _read_versions(connection: Connection) -> dict[VersionName, VersionRow]:
    columns = VERSIONS.c
    rows = connection.execute(
        select(
            columns.task, columns.version, columns.state, columns.digest, columns.size_bytes
        ).order_by(columns.task, columns.version)
    )
    return {(task, version): VersionRow(task, version, *rest) for task, version, *rest in rows}
