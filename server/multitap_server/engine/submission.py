"""One adapter's rows on their way through the engine.

Made and finished on the event loop; only the worker thread writes `outputs`, and only the event
loop sets `queued` and `abandoned`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from multitap_adapters.adapter import Adapter

from .contract import EncodedRow, Output


@dataclass(slots=True, eq=False)
class Submission:
    """Rows that share an adapter and a future; `abandoned` once nobody waits for them.

    `flow` names what takes turns with others: the adapter's digest.
    """

    rows: Sequence[EncodedRow]
    future: "asyncio.Future[list[Output]]"
    flow: str = ""
    queued: bool = False
    abandoned: bool = False
    outputs: dict[int, Output] = field(default_factory=dict[int, Output])

    @property
    def tokens(self) -> int:
        """The tokens of all rows."""
        return sum(len(row.token_ids) for row in self.rows)


@dataclass(frozen=True, slots=True)
class QueuedRow:
    """One row of a submission whose adapter is loaded."""

    submission: Submission
    index: int
    adapter: Adapter
    tokens: int

    @property
    def encoded(self) -> EncodedRow:
        """The row's token and type ids."""
        return self.submission.rows[self.index]
