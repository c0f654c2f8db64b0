"""Rows of all tables, from one database into another of the same schema."""

from typing import Final

from sqlalchemy import Connection, insert, select, update

from multitap_registry.head import read_head
from multitap_registry.schema import META, METADATA, TASKS, VERSIONS

_ROWS_AT_ONCE: Final = 1_000


def copy_rows(source: Connection, target: Connection) -> None:
    """Copy every row into a database whose tables are empty but for the one row of `meta`."""
    for table in METADATA.sorted_tables:
        found = source.execute(select(table).execution_options(yield_per=_ROWS_AT_ONCE)).mappings()
        for part in found.partitions():
            rows = [dict(row) for row in part]
            # Others may wait for this row's lock, and would not find one that took its place.
            if table is META:
                target.execute(update(META).values(rows[0]))
            else:
                target.execute(insert(table), rows)


def find_content(connection: Connection) -> str | None:
    """Return what a registry holds that a restore would mix with, None for an empty one."""
    head = read_head(connection)
    task = connection.execute(select(TASKS.c.name).limit(1)).scalar()
    if task is not None:
        return f"task {task!r}"
    if head.last_event:
        return f"{head.last_event} events"
    return f"{head.chain.seq} audit lines" if head.chain.seq else None


def read_ready(connection: Connection) -> dict[str, int]:
    """Return the digests of all ready versions, each with its size in bytes."""
    ready = select(VERSIONS.c.digest, VERSIONS.c.size_bytes).where(VERSIONS.c.state == "ready")
    return {row.digest: row.size_bytes for row in connection.execute(ready.distinct())}
