"""What is there, and what was: the registry's records as answers."""

from collections.abc import AsyncGenerator

from multitap.logs import AliasHistory, AliasMove
from multitap.wire import (
    Fault,
    Task,
    TaskList,
    Version,
    VersionList,
)
from multitap_registry.contract import Registry, TaskFilter, TaskRecord, VersionRecord
from multitap_registry.errors import InvalidReference

from .downloads import open_download
from .errors import InvalidRequest
from .ranges import ByteRange
from .references import lookup_alias, lookup_task, lookup_version
from .servability import Servability
from .threads import Threads


class Catalogue:
    """Lists tasks, versions and moves of aliases, outside the event loop."""

    def __init__(self, registry: Registry, servability: Servability, threads: Threads) -> None:
        self._registry = registry
        self._servability = servability
        self._threads = threads

    async def tasks(self, *, limit: int, after: str | None, where: TaskFilter) -> TaskList:
        """Return a page of tasks, by name."""
        page = await self._threads.run(
            lambda: self._registry.tasks(limit=limit, after=after, where=where)
        )
        return TaskList(tasks=[self._task(record) for record in page.records], next=page.next)

    async def task(self, task: str) -> Task:
        """Return one task. Raises: TaskNotFound."""
        name = lookup_task(task)
        return self._task(await self._threads.run(lambda: self._registry.task(name)))

    async def versions(
        self, task: str, *, limit: int, after: str | None, tag: str | None = None
    ) -> VersionList:
        """Return a page of a task's versions, newest first; of those with a tag if one is given.

        Raises:
            TaskNotFound: there is no such task.
            InvalidRequest: the cursor is none of this listing.
        """
        name = lookup_task(task)
        try:
            page = await self._threads.run(
                lambda: self._registry.versions(name, limit=limit, after=after, tag=tag)
            )
        except InvalidReference as error:
            raise InvalidRequest([Fault(at="query.after", message=str(error))]) from error
        versions = [self.describe(record) for record in page.records]
        return VersionList(versions=versions, next=page.next)

    async def version(self, task: str, version: str) -> Version:
        """Return one version. Raises: TaskNotFound, VersionNotFound."""
        return self.describe(await self.record(task, version))

    async def record(self, task: str, version: str) -> VersionRecord:
        """Return one version's record. Raises: TaskNotFound, VersionNotFound."""
        number = lookup_version(task, version)
        return await self._threads.run(lambda: self._registry.version(task, number))

    async def open_file(
        self, record: VersionRecord, part: ByteRange | None
    ) -> AsyncGenerator[bytes]:
        """Return a version's bytes, or a part of them, the first of them read already.

        Raises:
            CorruptBlob, StorageUnavailable: the file cannot be read, or it fits in one chunk and
                is damaged. What is wrong behind the first chunk cuts the answer off.
        """
        first, last = (0, None) if part is None else (part.first, part.last)
        chunks = self._registry.read_chunks(record.digest, first=first, last=last)
        return await open_download(chunks, self._threads)

    async def history(self, task: str, alias: str) -> AliasHistory:
        """Return every move of an alias, oldest first.

        Raises: TaskNotFound, AliasNotFound, StorageUnavailable.
        """
        name = lookup_alias(task, alias)
        moves = await self._threads.run(lambda: self._registry.history(task, name))
        return AliasHistory(
            history=[
                AliasMove(
                    move=move.move,
                    at=move.at,
                    by=move.by,
                    origin=move.origin,
                    target=move.target,
                    reason=move.reason,
                    rollback=move.rollback,
                )
                for move in moves
            ]
        )

    def describe(self, record: VersionRecord) -> Version:
        """Return a version's record as an answer."""
        return Version(
            task=record.task,
            version=record.version,
            digest=record.digest,
            size_bytes=record.size_bytes,
            kind=record.spec.head.kind,
            labels=list(record.spec.head.labels),
            spec=record.spec.model_dump(mode="json"),
            aliases=list(record.aliases),
            state=record.state,
            servable=self._servability.holds(record.spec),
            created_at=record.created_at,
            created_by=record.created_by,
            tags=list(record.tags),
        )

    def _task(self, record: TaskRecord) -> Task:
        spec = record.newest.spec
        return Task(
            task=record.task,
            kind=spec.head.kind,
            labels=list(spec.head.labels),
            live=record.live,
            aliases=dict(record.aliases),
            versions=record.versions,
            servable=self._servability.holds(spec),
            created_at=record.created_at,
            updated_at=record.updated_at,
        )
