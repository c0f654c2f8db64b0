"""Care for a registry beside its server: checks, repair, garbage collection and retention."""

from .collection import DEFAULT_GRACE, collect, find_orphans
from .findings import Extent, Finding, Report
from .retention import RetentionRule, delete_expired, find_expired
from .verification import Quarantine, quarantine, verify

__all__ = [
    "DEFAULT_GRACE",
    "Extent",
    "Finding",
    "Quarantine",
    "Report",
    "RetentionRule",
    "collect",
    "delete_expired",
    "find_expired",
    "find_orphans",
    "quarantine",
    "verify",
]
