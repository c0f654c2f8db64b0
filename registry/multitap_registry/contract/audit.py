"""Who did what: lines that each carry the hash of the line before, so that none can be altered,
left out or reordered without a trace."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, Self, TypeAlias

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
class ChainHead:
    """The end of the chain: the number and the hash of the last line."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line in its place; `seq` counts from 1 without gaps."""

    seq: int
    entry: AuditEntry
    previous: str
    hash: str

    @classmethod
    def following(cls, head: ChainHead, entry: AuditEntry) -> Self:
        """Return the line of an entry at the chain's end."""
        seq = head.seq + 1
        return cls(seq, entry, head.hash, line_hash(seq, entry, head.hash))

    @property
    def head(self) -> ChainHead:
        """The chain's end once this line is the last."""
        return ChainHead(self.seq, self.hash)


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
