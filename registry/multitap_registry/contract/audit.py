"""Who did what: lines that each carry the hash of the line before, so that none can be altered,
left out or reordered without a trace."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from multitap_adapters.file import canonical_json

from .events import EntryType

AuditAction: TypeAlias = EntryType | Literal["upload.rejected"]
GENESIS: Final = "sha256:" + "0" * 64


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What a line says, before it has its place in the chain."""

    at: datetime
    by: str
    action: AuditAction
    task: str
    outcome: Literal["done", "rejected"] = "done"
    version: int | None = None
    alias: str | None = None
    old_digest: str | None = None
    new_digest: str | None = None
    reason: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line in its place; `seq` counts from 1 without gaps."""

    seq: int
    entry: AuditEntry
    previous: str
    hash: str

    @classmethod
    def following(cls, previous: "AuditLine | None", entry: AuditEntry) -> "AuditLine":
        """Return the line of an entry after `previous`, None for the first of all."""
        seq, head = (1, GENESIS) if previous is None else (previous.seq + 1, previous.hash)
        return cls(seq, entry, head, line_hash(seq, entry, head))


def line_hash(seq: int, entry: AuditEntry, previous: str) -> str:
    """Return the SHA-256 over a line's canonical JSON, the previous line's hash included."""
    document = {
        "action": entry.action,
        "alias": entry.alias,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "by": entry.by,
        "new_digest": entry.new_digest,
        "old_digest": entry.old_digest,
        "outcome": entry.outcome,
        "previous": previous,
        "reason": entry.reason,
        "request_id": entry.request_id,
        "seq": seq,
        "task": entry.task,
        "version": entry.version,
    }
    return f"sha256:{hashlib.sha256(canonical_json(document)).hexdigest()}"
