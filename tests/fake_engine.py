"""An engine without a backbone: logits are sums over token ids, so every answer can be foretold.

A word is one token, whose id counts its letters; two more tokens stand around a text. Label `i` of
a row has the logit ``sum(ids) % 7 - i``, unless `logits` says otherwise. Where a head looks at
every token, the best label of token `t` is label ``t % labels``.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from tokenizers import Tokenizer as LibraryTokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing

from multitap_adapters.file import AdapterFile
from multitap_adapters.spec import AdapterSpec, BackboneIdentity
from multitap_adapters.tokenizer import Tokenizer
from multitap_server.engine.contract import (
    EncodedQuestion,
    EncodedRow,
    EncodedWords,
    EngineStatistics,
    Output,
    QuestionRow,
    Row,
    TextRow,
    TokensRow,
)
from multitap_server.engine.errors import BackboneMismatch, EngineError, InputTooLong
from multitap_server.engine.tokenizing import encode_questions, encode_words
from sample_adapters import SAMPLE_BACKBONE

LABELS = 2


def token_ids(row: TextRow) -> list[int]:
    """Return the ids of a row, the two around each text included."""
    texts = [row.text] if row.text_pair is None else [row.text, row.text_pair]
    return [1, *(n for text in texts for n in (*map(len, text.split()), 2))]


def word_tokenizer() -> Tokenizer:
    """Return a tokenizer to which every word is one unknown token."""
    vocabulary = {"?": 0, "<": 1, ">": 2}
    tokenizer = LibraryTokenizer(WordLevel(vocabulary, unk_token="?"))  # noqa: S106  a word
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.post_processor = TemplateProcessing(
        single="< $A >", pair="< $A > $B >", special_tokens=[("<", 1), (">", 2)]
    )
    return Tokenizer(tokenizer.to_str())


@dataclass
class FakeEngine:
    """An engine in memory, with switches for everything that can go wrong.

    `labels` is the number of outputs of a row, by digest; `over_tokens` has the digests of heads
    with outputs for every token. Futures stay open until `release`, which
    comes by itself with the submission that makes `together` of them; while `held`, never.
    `queued` is set by the first submission.
    """

    backbone: BackboneIdentity = SAMPLE_BACKBONE
    labels: dict[str, int] = field(default_factory=dict[str, int])
    over_tokens: set[str] = field(default_factory=set[str])
    logits: list[float] | None = None
    held: bool = False
    together: int = 1
    unsupported: EngineError | None = None
    submit_errors: dict[str, EngineError] = field(default_factory=dict[str, EngineError])
    result_errors: dict[str, Exception] = field(default_factory=dict[str, Exception])
    stopped: EngineError | None = None
    encoded: list[tuple[list[TextRow], int]] = field(
        default_factory=list[tuple[list[TextRow], int]]
    )
    windowed: list[tuple[list[Row], int]] = field(default_factory=list[tuple[list[Row], int]])
    submitted: list[tuple[str, int, float | None]] = field(
        default_factory=list[tuple[str, int, float | None]]
    )
    waiting: "list[tuple[asyncio.Future[list[Output]], str, list[EncodedRow]]]" = field(
        default_factory=list["tuple[asyncio.Future[list[Output]], str, list[EncodedRow]]"]
    )
    queued: asyncio.Event = field(default_factory=asyncio.Event)
    checked: list[str] = field(default_factory=list[str])

    def require_servable(self, spec: AdapterSpec) -> None:
        """Compare the backbone's digest."""
        if spec.backbone.digest != self.backbone.digest:
            raise BackboneMismatch(
                "digest", expected=self.backbone.digest, found=spec.backbone.digest
            )
        if self.unsupported is not None:
            raise self.unsupported

    def check(self, file: AdapterFile) -> None:
        """Note the file."""
        self.require_servable(file.spec)
        self.checked.append(file.digest)

    def encode(
        self, rows: Sequence[TextRow], *, max_tokens: int, truncate: bool
    ) -> list[EncodedRow]:
        """Tokenize, and note the call."""
        self.encoded.append((list(rows), max_tokens))
        encoded: list[EncodedRow] = []
        for index, row in enumerate(rows):
            ids = token_ids(row)
            if len(ids) > max_tokens and not truncate:
                raise InputTooLong(index, tokens=len(ids), limit_tokens=max_tokens)
            cut = ids[:max_tokens]
            encoded.append(EncodedRow(cut, [0] * len(cut), len(ids) > max_tokens))
        return encoded

    def encode_words(
        self, rows: Sequence[TextRow | TokensRow], *, max_tokens: int
    ) -> list[EncodedWords]:
        """Split and tokenize as the real engine does, and note the call."""
        self.windowed.append((list(rows), max_tokens))
        return encode_words(word_tokenizer(), rows, max_tokens=max_tokens)

    def encode_questions(
        self, rows: Sequence[QuestionRow], *, max_tokens: int
    ) -> list[EncodedQuestion]:
        """Tokenize as the real engine does, and note the call."""
        self.windowed.append((list(rows), max_tokens))
        return encode_questions(word_tokenizer(), rows, max_tokens=max_tokens)

    def submit(
        self, digest: str, rows: Sequence[EncodedRow], *, timeout_s: float | None = None
    ) -> "asyncio.Future[list[Output]]":
        """Answer at once, or hold the rows."""
        if digest in self.submit_errors:
            raise self.submit_errors[digest]
        self.submitted.append((digest, len(rows), timeout_s))
        future: asyncio.Future[list[Output]] = asyncio.get_running_loop().create_future()
        self.waiting.append((future, digest, list(rows)))
        self.queued.set()
        if not self.held and len(self.waiting) >= self.together:
            self.release()
        return future

    def release(self) -> None:
        """Answer everything that waits."""
        waiting, self.waiting = self.waiting, []
        for future, digest, rows in waiting:
            if future.done():
                continue
            if digest in self.result_errors:
                future.set_exception(self.result_errors[digest])
            else:
                future.set_result([self._output(digest, row) for row in rows])

    def require_ready(self) -> None:
        """Return unless it was stopped."""
        if self.stopped is not None:
            raise self.stopped

    def statistics(self) -> EngineStatistics:
        """Count submissions as forward passes."""
        return EngineStatistics(
            forward_passes=len(self.submitted),
            rows=sum(rows for _, rows, _ in self.submitted),
            tokens=0,
            queued_rows=sum(len(rows) for _, _, rows in self.waiting),
            resident_adapters=1,
            resident_bytes=3,
            adapter_loads=2,
            adapter_evictions=0,
        )

    def _output(self, digest: str, row: EncodedRow) -> Output:
        if self.logits is not None:
            return np.array(self.logits, dtype=np.float32)
        labels = self.labels.get(digest, LABELS)
        if digest in self.over_tokens:
            places = np.arange(len(row.token_ids)) % labels
            distances: Output = np.abs(places[:, None] - np.arange(labels)).astype(np.float32)
            return -distances
        base = sum(row.token_ids) % 7
        return np.array([base - label for label in range(labels)], dtype=np.float32)
