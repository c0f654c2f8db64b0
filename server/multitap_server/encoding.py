"""Tokenizing the parts of a call: every text once for each form and length that its tasks take."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from multitap.wire import Fault

from .deadline import Deadline
from .engine.contract import Encoded, Engine, QuestionRow, Row, TextRow, TokensRow
from .engine.errors import InputTooLong
from .errors import InvalidRequest
from .parts import Part
from .rows import FORMS, Form, count_row_characters
from .threads import Threads

# Up to here a hand-over to a thread and back (about 0.1 ms) costs more than the tokenizing itself,
# which takes well under 1 ms, so the event loop does it.
INLINE_CHARACTERS = 2_000
INLINE_ROWS = 8
# Windows are made of words and places one by one, which takes longer than ids alone.
_WEIGHTS: Final[dict[Form, int]] = {"texts": 1, "words": 3, "questions": 2}

Batch: TypeAlias = tuple[Form, int]


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
        wanted: dict[Batch, dict[Row, None]] = {}
        for part in parts:
            wanted.setdefault(_batch(part), {}).update(dict.fromkeys(part.rows))
        batches = {batch: list(rows) for batch, rows in wanted.items()}
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
            found = encoded[_batch(part)]
            part.encoded = [found[row] for row in part.rows]
            part.windows = [row for each in part.encoded for row in each.rows]
            if not truncate and any(row.truncated for row in part.encoded):
                part.failure = self._too_long(part)

    def _encode(self, batches: dict[Batch, list[Row]]) -> dict[Batch, dict[Row, Encoded]]:
        return {
            (form, max_tokens): dict(
                zip(rows, self._encode_form(form, rows, max_tokens), strict=True)
            )
            for (form, max_tokens), rows in batches.items()
        }

    def _encode_form(self, form: Form, rows: Iterable[Row], max_tokens: int) -> Sequence[Encoded]:
        match form:
            case "texts":
                texts = [row for row in rows if isinstance(row, TextRow)]
                # Always cut, so that one long text spoils no other part of the call.
                return self._engine.encode(texts, max_tokens=max_tokens, truncate=True)
            case "words":
                words = [row for row in rows if isinstance(row, TextRow | TokensRow)]
                return self._engine.encode_words(words, max_tokens=max_tokens)
            case "questions":
                questions = [row for row in rows if isinstance(row, QuestionRow)]
                return self._engine.encode_questions(questions, max_tokens=max_tokens)

    def _too_long(self, part: Part) -> InvalidRequest:
        limit = part.record.spec.max_tokens
        faults: list[Fault] = []
        for row, encoded, place in zip(part.rows, part.encoded, part.places, strict=True):
            if encoded.truncated:
                faults.append(Fault(at=place, message=self._complaint(row, limit)))
        return InvalidRequest(faults)

    def _complaint(self, row: Row, limit: int) -> str:
        """Say how long a text is that was cut."""
        if not isinstance(row, TextRow):
            return f"the question alone fills more than half of {limit} tokens"
        try:
            self._engine.encode([row], max_tokens=limit, truncate=False)
        except InputTooLong as error:
            return f"{error.tokens} tokens, expected at most {error.limit_tokens}"
        return f"more than {limit} tokens"


def _batch(part: Part) -> Batch:
    spec = part.record.spec
    return FORMS[spec.head.kind], spec.max_tokens


def _is_short(batches: dict[Batch, list[Row]]) -> bool:
    if sum(len(rows) for rows in batches.values()) > INLINE_ROWS:
        return False
    weighed = (
        _WEIGHTS[form] * count_row_characters(row)
        for (form, _), rows in batches.items()
        for row in rows
    )
    return sum(weighed) <= INLINE_CHARACTERS
