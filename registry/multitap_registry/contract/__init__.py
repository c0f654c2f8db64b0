"""What every registry promises, and the records that it speaks in."""

from .audit import GENESIS, AuditEntry, AuditLine, ChainHead, line_hash
from .events import EntryType, Event
from .records import AliasMove, Page, Publication, TaskRecord, VersionRecord
from .registry import UNSET, Registry, Unset
from .search import EVERYTHING, TaskFilter
from .upload import Upload

__all__ = [
    "EVERYTHING",
    "GENESIS",
    "UNSET",
    "AliasMove",
    "AuditEntry",
    "AuditLine",
    "ChainHead",
    "EntryType",
    "Event",
    "Page",
    "Publication",
    "Registry",
    "TaskFilter",
    "TaskRecord",
    "Unset",
    "Upload",
    "VersionRecord",
    "line_hash",
]
