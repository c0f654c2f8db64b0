"""The check of stored values: SQLite keeps whatever it is given, in a column of any type.

One that this release cannot read would end every other check, and keep a server from starting.
PostgreSQL refuses such values by itself.
"""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Integer,
    String,
    Table,
    and_,
    case,
    func,
    literal_column,
    not_,
    or_,
    select,
    type_coerce,
)

from multitap_registry.column_types import UtcDateTime
from multitap_registry.database import Database
from multitap_registry.schema import AUDIT, METADATA

from .findings import Finding

# `check_logs` names such a line itself, and goes on behind it.
_TIMES_READ_ELSEWHERE: Final = frozenset({AUDIT.c.at})
_MICROSECONDS: Final = "." + 6 * "[0-9]"
_ROW: Final[ColumnElement[int]] = literal_column("rowid")


def check_values(database: Database) -> Iterator[Finding]:
    """Check that every value is of its column's type. Raises: StorageFull, StorageUnavailable."""
    for table in METADATA.sorted_tables:
        yield from _check_table(database, table)


def _check_table(database: Database, table: Table) -> Iterator[Finding]:
    """Look at each row once, since a reader makes the server's commits wait."""
    columns = list(table.columns)
    wrong = [case((not_(_is_readable(column)), _ROW)) for column in columns]
    asked = [(func.count(row), func.min(row)) for row in wrong]
    with database.snapshot() as connection:
        if connection.dialect.name != "sqlite":
            return
        found = connection.execute(select(*(each for pair in asked for each in pair))).one()
    for index, column in enumerate(columns):
        count, first = found[2 * index : 2 * index + 2]
        if count:
            others = f" and {count - 1} more" if count > 1 else ""
            where = f"column {column.name!r} of table {table.name!r}"
            yield Finding("row_value", where, _wording(column), f"another in row {first}{others}")


def _is_readable(column: Column[Any]) -> ColumnElement[bool]:
    kind = func.typeof(column)
    match column.type:
        case UtcDateTime() if column not in _TIMES_READ_ELSEWHERE:
            readable = and_(kind == "text", _is_time(column))
        case Boolean():
            readable = and_(kind == "integer", type_coerce(column, Integer).in_((0, 1)))
        case Integer():
            readable = kind == "integer"
        case _:
            readable = kind == "text"
    return or_(column.is_(None), readable) if column.nullable else readable


def _is_time(column: Column[Any]) -> ColumnElement[bool]:
    text = type_coerce(column, String)
    seconds = func.substr(text, 1, 19)
    return and_(
        # Of a part, since the column itself would be compared as a number.
        func.substr(text, 1, 4) >= "0001",
        # Once it is moved, the 31st of February is the 3rd of March.
        func.coalesce(func.strftime("%Y-%m-%d %H:%M:%S", seconds, "+0 days"), "") == seconds,
        func.substr(text, 20).op("GLOB")(_MICROSECONDS),
    )


def _wording(column: Column[Any]) -> str:
    match column.type:
        case UtcDateTime():
            return "a time"
        case Boolean():
            return "0 or 1"
        case Integer():
            return "an integer"
        case _:
            return "a text"
