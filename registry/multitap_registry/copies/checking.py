"""Whether the tables of a copy agree with each other, before anybody relies on them."""

from collections.abc import Generator, Sequence
from typing import Final

from sqlalchemy import Connection, and_, func, select, text

from multitap_registry.contract import ChainHead, line_hash
from multitap_registry.head import read_head
from multitap_registry.log_rows import read_audit
from multitap_registry.schema import ALIASES, EVENTS, TASKS, VERSIONS

_LINES_AT_ONCE: Final = 1_000


def find_faults(connection: Connection) -> Sequence[str]:
    """Return everything that is wrong with the tables of an SQLite database.

    Raises:
        StorageUnavailable: a stored specification cannot be read, or the file is damaged so much
            that SQLite gives up.
    """
    return [
        *_file_faults(connection),
        *_version_faults(connection),
        *_alias_faults(connection),
        *_event_faults(connection),
        *_audit_faults(connection),
    ]


def _file_faults(connection: Connection) -> Generator[str, None, None]:
    for (found,) in connection.execute(text("PRAGMA integrity_check")):
        if found != "ok":
            yield f"the database is damaged: {found}"
    for table, row, *_ in connection.execute(text("PRAGMA foreign_key_check")):
        yield f"row {row} of {table} names what is not there"


def _version_faults(connection: Connection) -> Generator[str, None, None]:
    found = (
        select(TASKS.c.name, TASKS.c.next_version, func.count(VERSIONS.c.version))
        .join_from(TASKS, VERSIONS, VERSIONS.c.task == TASKS.c.name, isouter=True)
        .group_by(TASKS.c.name)
    )
    for task, next_version, count in connection.execute(found):
        if count != next_version - 1:
            yield f"task {task!r} has {count} versions, expected {next_version - 1}"


def _alias_faults(connection: Connection) -> Generator[str, None, None]:
    lost = (
        select(ALIASES.c.task, ALIASES.c.alias, ALIASES.c.version)
        .join_from(
            ALIASES,
            VERSIONS,
            and_(VERSIONS.c.task == ALIASES.c.task, VERSIONS.c.version == ALIASES.c.version),
        )
        .where(VERSIONS.c.state != "ready")
    )
    for task, alias, version in connection.execute(lost):
        yield f"alias {alias!r} of task {task!r} points at version {version}, which is deleted"


def _event_faults(connection: Connection) -> Generator[str, None, None]:
    last = read_head(connection).last_event
    count, newest = connection.execute(
        select(func.count(), func.coalesce(func.max(EVENTS.c.seq), 0)).select_from(EVENTS)
    ).one()
    if (count, newest) != (last, last):
        yield f"there are {count} events up to number {newest}, expected {last} without a gap"


def _audit_faults(connection: Connection) -> Generator[str, None, None]:
    head = ChainHead()
    while lines := read_audit(connection, after=head.seq, limit=_LINES_AT_ONCE):
        for line in lines:
            expected = line_hash(head.seq + 1, line.entry, head.hash)
            if (line.seq, line.previous, line.hash) != (head.seq + 1, head.hash, expected):
                yield f"line {line.seq} of the audit log does not follow from the lines before it"
                return
            head = line.head
    if head != read_head(connection).chain:
        yield f"the audit log ends at line {head.seq}, and not where the registry says"
