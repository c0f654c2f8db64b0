"""What one garbage collection is to do."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class GcRequest:
    """The options of `multitap gc`; no version goes where neither `keep` nor `older_than` is."""

    keep: int | None
    older_than: timedelta | None
    spared_tags: frozenset[str]
    grace: timedelta
    yes: bool
