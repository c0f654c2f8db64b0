"""A registry with a history of every sort, and everything that a database holds, to compare."""

from pathlib import Path

from sqlalchemy import select

from multitap_registry.contract import Registry
from multitap_registry.database import Database
from multitap_registry.folder import DATABASE_NAME
from multitap_registry.schema import METADATA
from multitap_registry.sqlite import sqlite_database
from publishing import publish
from sample_adapters import sample_adapter

Tables = dict[str, list[tuple[object, ...]]]


def fill(registry: Registry) -> None:
    """Publish, move, roll back, tag, delete and refuse."""
    for seed in range(4):
        publish(registry, "spam", sample_adapter(seed), by=f"ann-{seed}")
    registry.point("spam", "live", 3, by="bob", reason="better on é, \N{SNOWMAN} and ' quotes")
    registry.rollback("spam", "live", by="bob", reason="worse")
    registry.point("spam", "candidate", 4, by="bob")
    registry.delete_alias("spam", "candidate", by="cat")
    registry.tag("spam", 2, by="ann", add=["old", "en"])
    registry.tag("spam", 4, by="ann", add=["new"])
    registry.delete_version("spam", 2, by="cat", reason="too old")
    registry.reject("spam", by="mallory", reason="NaN", request_id="r-1")
    publish(registry, "ham", sample_adapter(0), by="ann")
    publish(registry, "gone", sample_adapter(9), by="ann")
    registry.delete_task("gone", by="cat", force=True)


def tables_of(database: Database) -> Tables:
    """Return every row of every table."""
    with database.snapshot() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in METADATA.sorted_tables
        }


def tables_in(folder: Path) -> Tables:
    """Return every row of every table of a folder's database."""
    database = sqlite_database(folder / DATABASE_NAME)
    try:
        return tables_of(database)
    finally:
        database.close()
