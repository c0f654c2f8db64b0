"""What the service asks of an engine: encode, submit, check, report.

``submit`` is called on the event loop and queues before it returns; ``encode`` and ``check`` block
and belong in threads. Row outputs are float32 arrays: ``[labels]`` for heads that pool, and
``[tokens, labels]`` for heads over tokens. A text for a head over tokens may take several rows,
its windows; nothing of it is cut.
"""

from asyncio import Future
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from multitap_adapters.file import AdapterFile
from multitap_adapters.question_windows import QuestionRows
from multitap_adapters.spec import AdapterSpec, BackboneIdentity
from multitap_adapters.word_windows import WordPlace
from multitap_adapters.words import Span

Output: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TextRow:
    """One text, or a pair of texts, as a client sent it."""

    text: str
    text_pair: str | None = None


@dataclass(frozen=True, slots=True)
class TokensRow:
    """A text that its sender has split into words."""

    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A question and the text that may hold its answer."""

    question: str
    context: str


Row: TypeAlias = TextRow | TokensRow | QuestionRow


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """One row as token and type ids; `truncated` where the text did not fit the task's length."""

    token_ids: Sequence[int]
    type_ids: Sequence[int]
    truncated: bool

    @property
    def rows(self) -> "tuple[EncodedRow, ...]":
        """The rows to run: this one."""
        return (self,)


@dataclass(frozen=True, slots=True)
class EncodedWords:
    """A text for a tagger: its windows, where its words are answered, and where they stand.

    `spans` are the words' places in what was sent: characters of a text, or indices of tokens.
    """

    rows: Sequence[EncodedRow]
    places: Sequence[WordPlace]
    spans: Sequence[Span]

    @property
    def truncated(self) -> bool:
        """Never: every word is in a window."""
        return False


@dataclass(frozen=True, slots=True)
class EncodedQuestion:
    """A question with its context: its windows, and how their tokens stand in the context."""

    rows: Sequence[EncodedRow]
    alignment: QuestionRows

    @property
    def truncated(self) -> bool:
        """Whether the question was cut; the context never is."""
        return self.alignment.question_cut


Encoded: TypeAlias = EncodedRow | EncodedWords | EncodedQuestion


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    """Counters since the start, and levels now."""

    forward_passes: int
    rows: int
    tokens: int
    queued_rows: int
    resident_adapters: int
    resident_bytes: int
    adapter_loads: int
    adapter_evictions: int


class Engine(Protocol):
    """Runs any mix of rows, each through its own adapter and head."""

    @property
    def backbone(self) -> BackboneIdentity:
        """The backbone in memory."""
        ...

    def require_servable(self, spec: AdapterSpec) -> None:
        """Return where adapters of this specification can run here; cheap.

        Raises:
            BackboneMismatch: the adapter was made for another backbone.
            UnsupportedAdapter: a method, kind or size that this engine cannot run.
        """
        ...

    def check(self, file: AdapterFile) -> None:
        """Run a canary row through the adapter, in little memory; nothing stays resident.

        Raises:
            BackboneMismatch, UnsupportedAdapter: as above, or the canary's output is not finite.
        """
        ...

    def encode(
        self, rows: Sequence[TextRow], *, max_tokens: int, truncate: bool
    ) -> list[EncodedRow]:
        """Tokenize; long texts are cut to `max_tokens`, or refused where `truncate` is false.

        Raises:
            InputTooLong: a row does not fit and may not be cut.
        """
        ...

    def encode_words(
        self, rows: Sequence[TextRow | TokensRow], *, max_tokens: int
    ) -> list[EncodedWords]:
        """Split texts into words, tokenize, and cover each with windows of `max_tokens`."""
        ...

    def encode_questions(
        self, rows: Sequence[QuestionRow], *, max_tokens: int
    ) -> list[EncodedQuestion]:
        """Tokenize, and cover each context with windows of `max_tokens`, the question in each."""
        ...

    def submit(
        self, digest: str, rows: Sequence[EncodedRow], *, timeout_s: float | None = None
    ) -> "Future[list[Output]]":
        """Queue the rows of one adapter, and return the future of their outputs, in order.

        Cancelling the future drops the rows that have not run yet; no rows give no outputs. The
        future's errors are DeadlineExceeded, AdapterUnavailable, BackboneMismatch,
        UnsupportedAdapter, EngineStopped, and whatever a forward pass of these rows alone raised.

        Raises:
            Overloaded: the queue has no room; nothing was queued.
            EngineStopped: the engine takes no more rows.
        """
        ...

    def require_ready(self) -> None:
        """Return where the worker is alive and takes rows. Raises: EngineStopped."""
        ...

    def statistics(self) -> EngineStatistics:
        """Return the counters and levels."""
        ...
