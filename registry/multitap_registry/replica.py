"""The database's tasks in memory, brought up to date: from the events since, or from all rows."""

from typing import Final

from sqlalchemy import Connection

from .database import Database
from .head import Head, read_head
from .index import Index
from .log_rows import read_changed_tasks
from .state_rows import read_state, read_states

# Reading more tasks than these one by one takes longer than reading all.
_MANY_TASKS: Final = 50


class Replica:
    """Keeps an index at what a database holds; for one caller at a time.

    `is_stale` says that the two may differ in more than the events since tell, so that all rows
    are to be read.
    """

    def __init__(self, database: Database, index: Index) -> None:
        self._database: Final = database
        self._index: Final = index
        self.is_stale = True

    def catch_up(self) -> None:
        """Show what was changed since. Raises: StorageFull, StorageUnavailable."""
        self.refresh()
        with self._database.snapshot() as connection:
            self.follow(connection, read_head(connection))

    def refresh(self) -> None:
        """Read all rows if memory is stale. Raises: StorageFull, StorageUnavailable."""
        if self.is_stale:
            with self._database.snapshot() as connection:
                self._index.replace(read_states(connection), read_head(connection).last_event)
            self.is_stale = False

    def follow(self, connection: Connection, head: Head) -> None:
        """Show everything up to an end of the logs that the connection's transaction sees."""
        shown = self._index.last_event
        if shown == head.last_event:
            return
        names = read_changed_tasks(connection, after=shown)
        # Fewer events than were shown already: somebody put an older database in its place.
        if shown > head.last_event or len(names) > _MANY_TASKS:
            self._index.replace(read_states(connection), head.last_event)
            return
        states = [read_state(connection, name, self._index.get(name)) for name in names]
        self._index.put(states, head.last_event)
