"""Every change but a publish: aliases moved, rolled back and deleted, tombstones, tags."""

from collections.abc import Callable

from multitap.wire import Fault, PointRequest, RollbackRequest, Version
from multitap_registry.contract import UNSET, Registry, Unset, VersionRecord
from multitap_registry.errors import InvalidReference, VersionNotFound
from multitap_registry.rules import rollback_targets

from .caller import Caller
from .catalogue import Catalogue
from .errors import InvalidRequest
from .references import lookup_alias, lookup_task, lookup_version, require_new_alias
from .servability import Servability
from .threads import Threads


class Changes:
    """Changes tasks, versions and aliases, outside the event loop.

    Every method may raise TaskNotFound, StorageFull and StorageUnavailable.
    """

    def __init__(
        self,
        registry: Registry,
        catalogue: Catalogue,
        servability: Servability,
        threads: Threads,
    ) -> None:
        self._registry = registry
        self._catalogue = catalogue
        self._servability = servability
        self._threads = threads

    async def point(self, task: str, alias: str, request: PointRequest, caller: Caller) -> Version:
        """Move an alias to a version that this server can answer with.

        A version for another backbone is refused: it would turn a task that works into one that
        answers 409. A server with that backbone can promote it.

        Raises:
            VersionNotFound: there is nothing to point at.
            InvalidRequest: the alias breaks the grammar.
            AliasConflict: the alias is not where it was expected.
            BackboneMismatch, UnsupportedAdapter: the version is not servable here.
        """
        name = lookup_task(task)
        new_alias = require_new_alias(alias)
        expected = _expected(request)

        def move() -> VersionRecord:
            self._servability.require(self._registry.version(name, request.version).spec)
            return self._registry.point(
                name,
                new_alias,
                request.version,
                by=caller.by,
                expected=expected,
                reason=request.reason,
                request_id=caller.request_id,
            )

        return await self._describe(move)

    async def rollback(
        self, task: str, alias: str, request: RollbackRequest, caller: Caller
    ) -> Version:
        """Point an alias at its last earlier target, which must be servable here, as for `point`.

        Raises:
            AliasNotFound: there is no such alias.
            AliasConflict: the alias is not where it was expected.
            NothingToRollBackTo: no earlier target is left.
            BackboneMismatch, UnsupportedAdapter: the earlier target is not servable here.
        """
        name = lookup_alias(task, alias)
        expected = _expected(request)

        def undo() -> VersionRecord:
            self._require_servable_target(task, name)
            return self._registry.rollback(
                task,
                name,
                by=caller.by,
                expected=expected,
                reason=request.reason,
                request_id=caller.request_id,
            )

        return await self._describe(undo)

    async def delete_alias(
        self, task: str, alias: str, caller: Caller, *, expected: int | None, reason: str | None
    ) -> None:
        """Delete an alias; `expected` None means: wherever it is.

        Raises:
            AliasNotFound: there is no such alias.
            AliasConflict: the alias is not where it was expected.
        """
        name = lookup_alias(task, alias)
        await self._threads.run(
            lambda: self._registry.delete_alias(
                task,
                name,
                by=caller.by,
                expected=UNSET if expected is None else expected,
                reason=reason,
                request_id=caller.request_id,
            )
        )

    async def delete_version(
        self, task: str, version: str, caller: Caller, *, reason: str | None
    ) -> Version:
        """Make a version a tombstone, and return it. Raises: VersionNotFound, VersionInUse."""
        number = lookup_version(task, version)
        return await self._describe(
            lambda: self._registry.delete_version(
                task, number, by=caller.by, reason=reason, request_id=caller.request_id
            )
        )

    async def delete_task(
        self, task: str, caller: Caller, *, force: bool, reason: str | None
    ) -> None:
        """Delete a task with all of its versions. Raises: VersionInUse, unless `force`."""
        name = lookup_task(task)
        await self._threads.run(
            lambda: self._registry.delete_task(
                name, by=caller.by, force=force, reason=reason, request_id=caller.request_id
            )
        )

    async def tag(self, task: str, version: str, tag: str, caller: Caller) -> Version:
        """Give a version a tag. Raises: VersionNotFound, InvalidRequest, TooManyTags."""
        return await self._tag(task, version, caller, add=[tag])

    async def untag(self, task: str, version: str, tag: str, caller: Caller) -> Version:
        """Take a tag away, if it is there. Raises: VersionNotFound, InvalidRequest."""
        return await self._tag(task, version, caller, remove=[tag])

    async def _tag(
        self,
        task: str,
        version: str,
        caller: Caller,
        *,
        add: list[str] | None = None,
        remove: list[str] | None = None,
    ) -> Version:
        number = lookup_version(task, version)
        try:
            return await self._describe(
                lambda: self._registry.tag(
                    task,
                    number,
                    by=caller.by,
                    add=add or (),
                    remove=remove or (),
                    request_id=caller.request_id,
                )
            )
        except InvalidReference as error:
            raise InvalidRequest([Fault(at="tag", message=str(error))]) from error

    async def _describe(self, change: Callable[[], VersionRecord]) -> Version:
        return self._catalogue.describe(await self._threads.run(change))

    def _require_servable_target(self, task: str, alias: str) -> None:
        """Look where a rollback would lead now; the registry decides a moment later."""
        now = self._registry.task(task).aliases.get(alias)
        if now is None:
            return
        for number in rollback_targets(self._registry.history(task, alias), now):
            try:
                record = self._registry.version(task, number)
            except VersionNotFound:
                continue
            self._servability.require(record.spec)
            return


def _expected(request: PointRequest | RollbackRequest) -> int | Unset | None:
    return request.expected if "expected" in request.model_fields_set else UNSET
