"""Tokenizing the parts of a call: every text once for each length that its tasks take."""

import asyncio
from collections.abc import Sequence

from multitap.wire import Fault

from .deadline import Deadline
from .engine.contract import EncodedRow, Engine, TextRow
from .engine.errors import InputTooLong
from .errors import InvalidRequest
from .parts import Part
from .threads import Threads

# Up to here a hand-over to a thread and back (about 0.1 ms) costs more than the tokenizing itself,
# which takes well under 1 ms, so the event loop does it.
INLINE_CHARACTERS = 2_000
INLINE_ROWS = 8


class Encoding:
    """Encodes parts: short ones at once, others in a bounded pool of threads."""

    def __init__(self, engine: Engine, threads: Threads) -> None:
        self._engine = engine
        self._threads = threads

    async def encode(self, parts: Sequence[Part], deadline: Deadline, *, truncate: bool) -> None:
        """Fill in `encoded`; a part with a text that is too long to be left whole fails.

        Past the deadline, every part fails.

        Raises:
            Overloaded: no thread is free, and none will be soon.
        """
        wanted: dict[int, dict[TextRow, None]] = {}
        for part in parts:
            wanted.setdefault(part.record.spec.max_tokens, {}).update(dict.fromkeys(part.rows))
        batches = {max_tokens: list(rows) for max_tokens, rows in wanted.items()}
        if _is_short(batches):
            encoded = self._encode(batches)
        else:
            try:
                async with asyncio.timeout_at(deadline.at_s):
                    encoded = await self._threads.run(lambda: self._encode(batches))
            except TimeoutError:
                for part in parts:
                    part.failure = deadline.exceeded()
                return
        for part in parts:
            found = encoded[part.record.spec.max_tokens]
            part.encoded = [found[row] for row in part.rows]
            if not truncate and any(row.truncated for row in part.encoded):
                part.failure = self._too_long(part)

    def _encode(self, batches: dict[int, list[TextRow]]) -> dict[int, dict[TextRow, EncodedRow]]:
        # Always cut, so that one long text spoils no other part of the call.
        return {
            max_tokens: dict(
                zip(
                    rows,
                    self._engine.encode(rows, max_tokens=max_tokens, truncate=True),
                    strict=True,
                )
            )
            for max_tokens, rows in batches.items()
        }

    def _too_long(self, part: Part) -> InvalidRequest:
        limit = part.record.spec.max_tokens
        faults: list[Fault] = []
        for row, encoded, place in zip(part.rows, part.encoded, part.places, strict=True):
            if encoded.truncated:
                faults.append(Fault(at=place, message=self._complaint(row, limit)))
        return InvalidRequest(faults)

    def _complaint(self, row: TextRow, limit: int) -> str:
        """Say how long a text is that was cut."""
        try:
            self._engine.encode([row], max_tokens=limit, truncate=False)
        except InputTooLong as error:
            return f"{error.tokens} tokens, expected at most {error.limit_tokens}"
        return f"more than {limit} tokens"


def _is_short(batches: dict[int, list[TextRow]]) -> bool:
    rows = [row for batch in batches.values() for row in batch]
    return len(rows) <= INLINE_ROWS and (
        sum(len(row.text) + len(row.text_pair or "") for row in rows) <= INLINE_CHARACTERS
    )
