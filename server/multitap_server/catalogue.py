"""What is there and where aliases point: the registry's records as answers."""

from multitap.wire import (
    Fault,
    PointRequest,
    Task,
    TaskList,
    Version,
    VersionList,
)
from multitap_registry.contract import UNSET, Registry, TaskFilter, TaskRecord, VersionRecord
from multitap_registry.errors import InvalidReference

from .errors import InvalidRequest
from .references import lookup_task, lookup_version, require_new_alias
from .servability import Servability
from .threads import Threads


class Catalogue:
    """Lists tasks and versions and moves aliases, outside the event loop."""

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

    async def versions(self, task: str, *, limit: int, after: str | None) -> VersionList:
        """Return a page of a task's versions, newest first.

        Raises:
            TaskNotFound: there is no such task.
            InvalidRequest: the cursor is none of this listing.
        """
        name = lookup_task(task)
        try:
            page = await self._threads.run(
                lambda: self._registry.versions(name, limit=limit, after=after)
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

    async def read_file(self, record: VersionRecord) -> bytes:
        """Return a version's bytes. Raises: CorruptBlob, StorageUnavailable."""
        return await self._threads.run(lambda: self._registry.read_blob(record.digest))

    async def point(self, task: str, alias: str, request: PointRequest, *, by: str) -> Version:
        """Move an alias to a version that this server can answer with.

        A version for another backbone is refused: it would turn a task that works into one that
        answers 409. A server with that backbone can promote it.

        Raises:
            TaskNotFound, VersionNotFound: there is nothing to point at.
            InvalidRequest: the alias breaks the grammar.
            AliasConflict: the alias is not where it was expected.
            BackboneMismatch, UnsupportedAdapter: the version is not servable here.
        """
        name = lookup_task(task)
        new_alias = require_new_alias(alias)
        expected = request.expected if "expected" in request.model_fields_set else UNSET

        def move() -> VersionRecord:
            self._servability.require(self._registry.version(name, request.version).spec)
            return self._registry.point(
                name,
                new_alias,
                request.version,
                by=by,
                expected=expected,
                reason=request.reason,
            )

        return self.describe(await self._threads.run(move))

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
