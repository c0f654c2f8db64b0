"""The part of a registry that turns calls into plans; each kind of registry executes them.

A plan is made and carried out while nothing else changes, so its time is taken there too, and
times go the way of the numbers.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Final

from multitap_adapters.file import AdapterFile

from .change import Change, Occasion, rejection
from .clock import Clock
from .contract import UNSET, AuditEntry, Publication, Unset, Upload, VersionRecord
from .indexed import IndexedRegistry
from .reference import parse_alias, parse_tag, parse_task
from .rules import (
    Choice,
    HistoryOf,
    Plan,
    plan_alias_deletion,
    plan_chosen_deletions,
    plan_move,
    plan_publication,
    plan_rollback,
    plan_tags,
    plan_task_deletion,
    plan_version_deletion,
)
from .task_state import TaskState


class PlannedRegistry(IndexedRegistry, ABC):
    """The changes of a registry; see the contract."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock: Final = clock

    @abstractmethod
    def _keep(self, upload: Upload) -> AdapterFile:
        """Seal an upload and make its bytes durable under their digest."""

    @abstractmethod
    def _keep_still(self, upload: Upload, file: AdapterFile) -> None:
        """Make the bytes durable once more if they were removed since; nothing else changes."""

    @abstractmethod
    def _change(self, task: str, plan: Plan) -> Change:
        """Make a plan from the task as it is now, and do what it says, as one change."""

    @abstractmethod
    def _note(self, entry: AuditEntry) -> None:
        """Add a line to the audit log that belongs to no change."""

    def publish(
        self,
        task: str,
        upload: Upload,
        *,
        by: str,
        alias: str | None = None,
        request_id: str | None = None,
    ) -> Publication:
        """Make a sealed upload a version of a task."""
        parse_task(task)
        if alias is not None:
            parse_alias(alias)
        file = self._keep(upload)

        def plan(state: TaskState | None, _: HistoryOf) -> Change:
            # Whoever collects garbage may not have seen that somebody is about to need it.
            self._keep_still(upload, file)
            occasion = self._occasion(by, None, request_id)
            return plan_publication(state, occasion, task, file, alias=alias)

        return self._change(task, plan).publication

    def reject(
        self,
        task: str,
        *,
        by: str,
        reason: str,
        digest: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """Leave one audit line of an upload that was refused."""
        parse_task(task)
        self._note(rejection(self._occasion(by, reason, request_id), task, digest))

    def point(
        self,
        task: str,
        alias: str,
        version: int,
        *,
        by: str,
        expected: int | Unset | None = UNSET,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> VersionRecord:
        """Move an alias to a ready version."""
        parse_alias(alias)
        return self._change(
            task,
            lambda state, _: plan_move(
                state,
                self._occasion(by, reason, request_id),
                task,
                alias,
                version,
                expected=expected,
            ),
        ).record

    def rollback(
        self,
        task: str,
        alias: str,
        *,
        by: str,
        expected: int | Unset | None = UNSET,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> VersionRecord:
        """Point an alias at its most recent earlier target that is still ready."""
        return self._change(
            task,
            lambda state, history: plan_rollback(
                state,
                self._occasion(by, reason, request_id),
                task,
                alias,
                history,
                expected=expected,
            ),
        ).record

    def delete_alias(
        self,
        task: str,
        alias: str,
        *,
        by: str,
        expected: int | Unset | None = UNSET,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """Delete an alias; its history stays."""
        self._change(
            task,
            lambda state, _: plan_alias_deletion(
                state, self._occasion(by, reason, request_id), task, alias, expected=expected
            ),
        )

    def delete_version(
        self,
        task: str,
        version: int,
        *,
        by: str,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> VersionRecord:
        """Make a version a tombstone."""
        return self._change(
            task,
            lambda state, _: plan_version_deletion(
                state, self._occasion(by, reason, request_id), task, version
            ),
        ).record

    def delete_chosen(
        self,
        task: str,
        choose: Choice,
        *,
        by: str,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> Sequence[VersionRecord]:
        """Make those ready versions tombstones that are chosen as they are now, as one change.

        Raises:
            TaskNotFound, VersionNotFound: there is no such task, or ready version.
            VersionInUse: an alias points at one of them, and nothing is changed.
            StorageFull, StorageUnavailable: see the contract.
        """
        change = self._change(
            task,
            lambda state, _: plan_chosen_deletions(
                state, self._occasion(by, reason, request_id), task, choose
            ),
        )
        return [change.after.versions[number] for number in change.deleted]

    def delete_task(
        self,
        task: str,
        *,
        by: str,
        force: bool = False,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """Delete a task's aliases and make all of its versions tombstones."""
        self._change(
            task,
            lambda state, _: plan_task_deletion(
                state, self._occasion(by, reason, request_id), task, force=force
            ),
        )

    def tag(
        self,
        task: str,
        version: int,
        *,
        by: str,
        add: Collection[str] = (),
        remove: Collection[str] = (),
        request_id: str | None = None,
    ) -> VersionRecord:
        """Give a ready version tags and take others away."""
        for tag in (*add, *remove):
            parse_tag(tag)
        return self._change(
            task,
            lambda state, _: plan_tags(
                state,
                self._occasion(by, None, request_id),
                task,
                version,
                add=add,
                remove=remove,
            ),
        ).record

    def _occasion(self, by: str, reason: str | None, request_id: str | None) -> Occasion:
        return Occasion.of(self._clock(), by, reason, request_id)
