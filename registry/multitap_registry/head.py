"""The one row that orders all changes: the last event's number, and the end of the audit chain.

A transaction that changes anything locks it first and moves it last, so that changes of several
servers come one after the other, and neither events nor audit lines have gaps.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from .contract import ChainHead
from .errors import StorageUnavailable
from .schema import META

_HEAD: Final = select(META)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the logs end."""

    last_event: int
    chain: ChainHead


def read_head(connection: Connection) -> Head:
    """Read where the logs end."""
    return _parse(connection.execute(_HEAD).one())


def lock_head(connection: Connection) -> Head:
    """Read where the logs end, and let nobody else change anything until the transaction ends."""
    # SQLite's transactions hold the whole database's lock already, and it has no other.
    return _parse(connection.execute(_HEAD.with_for_update()).one())


def move_head(connection: Connection, before: Head, after: Head) -> None:
    """Write where the logs end now.

    Raises:
        StorageUnavailable: they did not end where they were locked.
    """
    moved = connection.execute(
        update(META)
        .where(META.c.last_event == before.last_event, META.c.audit_seq == before.chain.seq)
        .values(last_event=after.last_event, audit_seq=after.chain.seq, audit_hash=after.chain.hash)
    )
    if moved.rowcount != 1:
        raise StorageUnavailable("the ends of the logs were changed in the database meanwhile")


def _parse(row: Row[Any]) -> Head:
    return Head(row.last_event, ChainHead(row.audit_seq, row.audit_hash))
