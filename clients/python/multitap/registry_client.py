"""What a client does to tasks, versions and aliases, and what it learns of their past."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TypeVar

from . import registry_calls as calls
from .calls import PAGE_SIZE, Call
from .errors import MultitapError
from .following import WAIT_S, Following
from .logs import AliasMove, AuditLine, Event, EventList
from .references import LIVE
from .unset import UNSET, Unset
from .wire import Version

ResultT = TypeVar("ResultT")


class RegistryClient(ABC):
    """The part of `Client` that tends a registry; `Client` performs the calls."""

    def point(
        self,
        task: str,
        alias: str,
        version: int,
        *,
        expected: int | Unset | None = UNSET,
        reason: str | None = None,
    ) -> Version:
        """Move an alias and return the version that it points at now.

        `expected` is where the alias must be now; None means that it must not exist. If the
        connection breaks and the call is repeated, AliasConflict may come although the first
        attempt moved the alias: look where it points.

        Raises:
            AliasConflict: the alias is not where it was expected.
            BackboneMismatch: the server cannot answer with that version.
            TaskNotFound, VersionNotFound: there is nothing to point at.
        """
        return self._perform(calls.point(task, alias, version, expected=expected, reason=reason))

    def rollback(
        self,
        task: str,
        alias: str = LIVE,
        *,
        expected: int | Unset | None = UNSET,
        reason: str | None = None,
    ) -> Version:
        """Move an alias back to its last earlier target that is still there, and return that.

        A second rollback goes back one target more. `expected` is as for `point`.

        Raises:
            NothingToRollBackTo: no earlier target is left.
            AliasConflict: the alias is not where it was expected.
            BackboneMismatch: the server cannot answer with the earlier target.
            TaskNotFound, AliasNotFound: there is no such alias.
        """
        return self._perform(calls.rollback(task, alias, expected=expected, reason=reason))

    def history(self, task: str, alias: str = LIVE) -> Sequence[AliasMove]:
        """Return every move of an alias, oldest first, also of one that was deleted.

        Raises: TaskNotFound, AliasNotFound.
        """
        return self._perform(calls.history(task, alias)).history

    def delete_alias(
        self, task: str, alias: str, *, expected: int | None = None, reason: str | None = None
    ) -> None:
        """Delete an alias; its history stays. `expected` None means: wherever it points.

        Raises:
            AliasConflict: the alias is not where it was expected.
            TaskNotFound, AliasNotFound: there is no such alias.
        """
        self._perform(calls.delete_alias(task, alias, expected=expected, reason=reason))

    def delete_version(self, task: str, version: int, *, reason: str | None = None) -> Version:
        """Delete a version and return what is left of it; its number is never used again.

        If the connection breaks and the call is repeated, VersionNotFound may come although the
        first attempt deleted the version.

        Raises:
            VersionInUse: an alias points there.
            TaskNotFound, VersionNotFound: there is no such version.
        """
        return self._perform(calls.delete_version(task, version, reason=reason))

    def delete_task(self, task: str, *, force: bool = False, reason: str | None = None) -> None:
        """Delete a task with its aliases and all of its versions.

        Raises:
            VersionInUse: aliases point at its versions, and `force` is False.
            TaskNotFound: there is no such task.
        """
        self._perform(calls.delete_task(task, force=force, reason=reason))

    def tag(self, task: str, version: int, tag: str) -> Version:
        """Give a version a tag and return the version; a tag that is there stays.

        Raises:
            InvalidRequest: the tag breaks the grammar, or the version has too many.
            TaskNotFound, VersionNotFound: there is no such version.
        """
        return self._perform(calls.tag(task, version, tag))

    def untag(self, task: str, version: int, tag: str) -> Version:
        """Take a tag from a version, if it is there, and return the version.

        Raises: TaskNotFound, VersionNotFound, InvalidRequest.
        """
        return self._perform(calls.untag(task, version, tag))

    def events(self, *, after: int = 0, wait_s: float = 0, limit: int = PAGE_SIZE) -> EventList:
        """Return one page of what happened behind event number `after`, in order.

        Where there is nothing yet, the server waits for it, up to `wait_s` (at most 60 seconds).
        The page's `next` is what to ask behind next time.
        """
        return self._perform(calls.events(after=after, wait_s=wait_s, limit=limit))

    def follow(self, *, after: int | None = 0, wait_s: float = WAIT_S) -> Iterator[Event]:
        """Iterate over the events behind `after` as they happen, for ever.

        `after` None means: from now on. A server that goes away for a while is asked again until
        it is back, and no event is lost or told twice; only a server that never answered, or an
        answer that no repetition changes, is raised.
        """
        following = Following(after, wait_s=wait_s)
        while True:
            try:
                page = self._perform(following.call())
            except MultitapError as error:
                time.sleep(following.pause_s(error))
            else:
                yield from following.take(page)

    def audit(self, *, after: int = 0, page_size: int = PAGE_SIZE) -> Iterator[AuditLine]:
        """Iterate over the lines of the audit log behind number `after`, in order."""
        while True:
            page = self._perform(calls.audit(after=after, limit=page_size))
            yield from page.lines
            if len(page.lines) < page_size:
                return
            after = page.next

    @abstractmethod
    def _perform(self, call: Call[ResultT]) -> ResultT:
        """Send a call, again if need be, and return its answer. Raises: MultitapError."""
