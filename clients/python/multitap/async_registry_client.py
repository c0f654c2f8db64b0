"""As `registry_client`, for asyncio programs."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
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


class AsyncRegistryClient(ABC):
    """The part of `AsyncClient` that tends a registry, as `RegistryClient`."""

    async def point(
        self,
        task: str,
        alias: str,
        version: int,
        *,
        expected: int | Unset | None = UNSET,
        reason: str | None = None,
    ) -> Version:
        """As `Client.point`."""
        return await self._perform(
            calls.point(task, alias, version, expected=expected, reason=reason)
        )

    async def rollback(
        self,
        task: str,
        alias: str = LIVE,
        *,
        expected: int | Unset | None = UNSET,
        reason: str | None = None,
    ) -> Version:
        """As `Client.rollback`."""
        return await self._perform(calls.rollback(task, alias, expected=expected, reason=reason))

    async def history(self, task: str, alias: str = LIVE) -> Sequence[AliasMove]:
        """As `Client.history`."""
        return (await self._perform(calls.history(task, alias))).history

    async def delete_alias(
        self, task: str, alias: str, *, expected: int | None = None, reason: str | None = None
    ) -> None:
        """As `Client.delete_alias`."""
        await self._perform(calls.delete_alias(task, alias, expected=expected, reason=reason))

    async def delete_version(
        self, task: str, version: int, *, reason: str | None = None
    ) -> Version:
        """As `Client.delete_version`."""
        return await self._perform(calls.delete_version(task, version, reason=reason))

    async def delete_task(
        self, task: str, *, force: bool = False, reason: str | None = None
    ) -> None:
        """As `Client.delete_task`."""
        await self._perform(calls.delete_task(task, force=force, reason=reason))

    async def tag(self, task: str, version: int, tag: str) -> Version:
        """As `Client.tag`."""
        return await self._perform(calls.tag(task, version, tag))

    async def untag(self, task: str, version: int, tag: str) -> Version:
        """As `Client.untag`."""
        return await self._perform(calls.untag(task, version, tag))

    async def events(
        self, *, after: int = 0, wait_s: float = 0, limit: int = PAGE_SIZE
    ) -> EventList:
        """As `Client.events`."""
        return await self._perform(calls.events(after=after, wait_s=wait_s, limit=limit))

    async def follow(
        self, *, after: int | None = 0, wait_s: float = WAIT_S
    ) -> AsyncIterator[Event]:
        """As `Client.follow`."""
        following = Following(after, wait_s=wait_s)
        while True:
            try:
                page = await self._perform(following.call())
            except MultitapError as error:
                await asyncio.sleep(following.pause_s(error))
            else:
                for event in following.take(page):
                    yield event

    async def audit(
        self, *, after: int = 0, page_size: int = PAGE_SIZE
    ) -> AsyncIterator[AuditLine]:
        """As `Client.audit`."""
        while True:
            page = await self._perform(calls.audit(after=after, limit=page_size))
            for line in page.lines:
                yield line
            if len(page.lines) < page_size:
                return
            after = page.next

    @abstractmethod
    async def _perform(self, call: Call[ResultT]) -> ResultT:
        """Send a call, again if need be, and return its answer. Raises: MultitapError."""
