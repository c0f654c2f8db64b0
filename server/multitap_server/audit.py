"""The audit log as answers."""

from multitap.logs import AuditLine, AuditList
from multitap_registry.contract import AuditLine as AuditRecord
from multitap_registry.contract import Registry

from .threads import Threads


class Audit:
    """Reads the registry's audit log, outside the event loop."""

    def __init__(self, registry: Registry, threads: Threads) -> None:
        self._registry = registry
        self._threads = threads

    async def page(self, *, after: int, limit: int) -> AuditList:
        """Return at most `limit` lines behind `after`. Raises: StorageUnavailable."""
        found = await self._threads.run(lambda: self._registry.audit(after=after, limit=limit))
        return AuditList(
            lines=[_line(each) for each in found], next=found[-1].seq if found else after
        )


def _line(record: AuditRecord) -> AuditLine:
    entry = record.entry
    return AuditLine(
        seq=record.seq,
        at=entry.at,
        by=entry.by,
        action=entry.action,
        task=entry.task,
        outcome=entry.outcome,
        version=entry.version,
        alias=entry.alias,
        old_digest=entry.old_digest,
        new_digest=entry.new_digest,
        reason=entry.reason,
        request_id=entry.request_id,
        previous=record.previous,
        hash=record.hash,
    )
