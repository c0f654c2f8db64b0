"""Rows of many tasks in turn: deficit round robin by tokens (Shreedhar and Varghese 1995).

Every flow has a queue of its own. Flows take turns; a turn gives a flow `quantum` tokens of credit,
and it sends rows while the next one is covered. A row that costs more than the credit waits, and
the credit is kept for the flow's next turn; a flow whose queue runs empty loses what is left. So
two flows that both wait get the same tokens over any stretch of time, up to one quantum and two
longest rows (the paper's lemma 2).

The bound that follows: with L the longest row and F flows waiting, a row that comes when `a` tokens
of its own flow are ahead of it, itself included, is sent before the others have sent more than
``ceil(a / quantum) * (F - 1) * (quantum + L)`` tokens. How much anybody else has queued is not in
it.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from .submission import QueuedRow

QUANTUM_TOKENS: Final = 128


@dataclass(slots=True)
class _Flow:
    rows: deque[QueuedRow] = field(default_factory=deque[QueuedRow])
    credit_tokens: int = 0
    # Whether this turn's credit was given already: a batch may end in the middle of a turn.
    in_turn: bool = False


@dataclass(slots=True)
class Taken:
    """Rows that left a queue: those to run, and those that nobody waits for any more."""

    rows: list[QueuedRow] = field(default_factory=list[QueuedRow])
    abandoned: list[QueuedRow] = field(default_factory=list[QueuedRow])
    tokens: int = 0

    def add(self, row: QueuedRow) -> None:
        """Count a row to run."""
        self.rows.append(row)
        self.tokens += row.tokens


class FairQueue:
    """Rows by flow; for one thread at a time."""

    def __init__(self, *, quantum_tokens: int = QUANTUM_TOKENS) -> None:
        self._quantum_tokens: Final = quantum_tokens
        self._flows: Final[dict[str, _Flow]] = {}
        # The names of flows with rows, in the order of their turns.
        self._turns: Final[deque[str]] = deque()

    def put(self, row: QueuedRow) -> None:
        """Queue a row behind those of its flow."""
        name = row.submission.flow
        flow = self._flows.get(name)
        if flow is None:
            flow = self._flows[name] = _Flow()
            self._turns.append(name)
        flow.rows.append(row)

    def take(self, most_tokens: int) -> Taken:
        """Take the rows whose turn it is, up to the tokens; the first one whatever it costs.

        Rows of abandoned submissions that come up are taken out as well, and cost nothing. No
        rows means that none are left.
        """
        taken = Taken()
        while self._turns:
            flow = self._flows[self._turns[0]]
            if not flow.in_turn:
                flow.credit_tokens += self._quantum_tokens
                flow.in_turn = True
            row = flow.rows[0]
            if row.submission.abandoned:
                taken.abandoned.append(row)
            elif row.tokens > flow.credit_tokens:
                flow.in_turn = False
                self._turns.rotate(-1)
                continue
            elif taken.rows and taken.tokens + row.tokens > most_tokens:
                break
            else:
                taken.add(row)
                flow.credit_tokens -= row.tokens
            flow.rows.popleft()
            if not flow.rows:
                del self._flows[self._turns.popleft()]
        return taken
