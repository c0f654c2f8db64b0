"""One adapter's rows on their way through the engine.

Made and finished on the event loop; only the worker thread writes `outputs`, and only the event
loop sets `abandoned`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from multitap_adapters.adapter import Adapter

from .contract import EncodedRow, Output


@dataclass(slots=True, eq=False)
class Submission:
    """Rows that share an adapter and a future; `adapter` is None until it is loaded."""

    digest: str
    rows: Sequence[EncodedRow]
    future: "asyncio.Future[list[Output]]"
    adapter: Adapter | None = None
    abandoned: bool = False
    outputs: dict[int, Output] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """The tokens of all rows."""
        return sum(len(row.token_ids) for row in self.rows)


@dataclass(frozen=True, slots=True)
class QueuedRow:
    """One row of a submission."""

    submission: Submission
    index: int
    tokens: int

    @property
    def encoded(self) -> EncodedRow:
        """The row's token and type ids."""
        return self.submission.rows[self.index]
