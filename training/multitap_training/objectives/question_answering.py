"""The part of a context that answers a question: a softmax over tokens for its first and last one.

Windows and places are those of serving (multitap_adapters.question_windows); a window that does not
hold the answer points at its first token (Devlin et al. 2019, section 4.3). Shape suffixes: T
tokens of a row.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor

from multitap_adapters.answers import DEFAULT_ANSWER_TOKENS, rank_answers
from multitap_adapters.question_windows import QuestionRows, least_question_tokens, question_rows
from multitap_adapters.spec import Head, HeadLayer
from multitap_adapters.tokenizer import Tokenizer
from multitap_training.errors import DataError, SettingsError
from multitap_training.labelled_rows import LabelledRows
from multitap_training.scores import Score
from multitap_training.source import SourceRow
from multitap_training.squad import answer_scores

from .contract import Pooling

_Answer: TypeAlias = tuple[int, str]


@dataclass(frozen=True, slots=True)
class QuestionExample:
    """A question, its context, and the answers that count, each with where it starts."""

    question: str
    context: str
    answers: tuple[_Answer, ...]
    line: int


@dataclass(frozen=True, slots=True, eq=False)
class _Questions(LabelledRows):
    """Rows of questions, with what turns their outputs into answers."""

    sources: Sequence[tuple[QuestionExample, QuestionRows]] = ()


@dataclass(frozen=True, slots=True)
class QuestionAnswering:
    """Rows `{"question", "context", "answers": {"text": [...], "answer_start": [...]}}`.

    The form of SQuAD's rows; no answer is two empty lists. Training takes the first one.
    """

    fields: tuple[str, ...] = ("question", "context", "answers")

    def parse(self, row: SourceRow) -> QuestionExample:
        """Return a row as an example. Raises: DataError."""
        context = row.text("context")
        answers = tuple(_answers(row, context))
        return QuestionExample(row.text("question"), context, answers, row.line)

    def names(self, example: QuestionExample) -> tuple[str, ...]:  # noqa: ARG002  (Kind)
        """Return no names: answers have none."""
        return ()

    def objective(
        self, path: Path, examples: Sequence[QuestionExample]
    ) -> "QuestionAnsweringObjective":
        """Return the search for answers. Raises: DataError."""
        if not any(example.answers for example in examples):
            raise DataError(path, None, "no question has an answer; one is needed")
        return QuestionAnsweringObjective()


@dataclass(frozen=True, slots=True)
class QuestionAnsweringObjective:
    """Cross-entropy of the first and of the last token; F1 chooses the best epoch."""

    labels: tuple[str, ...] = ()
    whole: frozenset[str] = frozenset()

    def head(self, pooling: Pooling) -> Head:  # noqa: ARG002  (Objective)
        """Return one linear layer over every token: a logit for the first and for the last."""
        return Head(kind="question_answering", input="tokens", layers=(HeadLayer(out=2),))

    def encode(
        self,
        path: Path,  # noqa: ARG002  (Objective)
        examples: Sequence[QuestionExample],
        tokenizer: Tokenizer,
        max_tokens: int,
    ) -> LabelledRows:
        """Tokenize questions; a target `[T, 2]` has a 1 at the first and at the last token.

        Raises:
            SettingsError: `max_tokens` has no room for a question and a window.
        """
        least = least_question_tokens(tokenizer)
        if max_tokens < least:
            raise SettingsError(f"max_tokens must be from {least} for questions, got {max_tokens}")
        pairs = [(example.question, example.context) for example in examples]
        found = question_rows(tokenizer, pairs, max_tokens=max_tokens)
        sources = list(zip(examples, found, strict=True))
        windows = [
            (number, example, rows, window)
            for number, (example, rows) in enumerate(sources)
            for window in range(len(rows.rows))
        ]
        return _Questions(
            token_ids=[rows.rows[window].token_ids for _, _, rows, window in windows],
            type_ids=[rows.rows[window].type_ids for _, _, rows, window in windows],
            targets=[_target(example, rows, window) for _, example, rows, window in windows],
            examples=[number for number, _, _, _ in windows],
            truncated=sum(rows.question_cut for rows in found),
            sources=sources,
        )

    def loss(self, outputs: Tensor, targets: Sequence[Tensor]) -> Tensor:
        """Return the mean over rows and over both ends of the cross-entropy."""
        rows = torch.split(outputs, [len(target_T2) for target_T2 in targets])
        losses = [
            -(target_T2 * logits_T2.log_softmax(0)).sum()
            for logits_T2, target_T2 in zip(rows, targets, strict=True)
        ]
        return torch.stack(losses).mean() / 2

    def scores(self, outputs: Sequence[Tensor], rows: LabelledRows) -> tuple[Score, ...]:
        """Return F1 and exact match by SQuAD's rules, answers searched as in serving."""
        assert isinstance(rows, _Questions)  # noqa: S101  what `encode` gave
        given: list[str] = []
        wanted: list[list[str]] = []
        for (example, aligned), (windows, _) in zip(
            rows.sources, rows.by_example(outputs), strict=True
        ):
            logits = [window.numpy().astype(np.float64) for window in windows]
            best = next(
                rank_answers(
                    example.context, aligned, logits, max_tokens=DEFAULT_ANSWER_TOKENS, top=1
                )
            )
            given.append(example.context[best.start : best.end])
            wanted.append([text for _, text in example.answers])
        return answer_scores(given, wanted)

    def finish(self, tensors: Mapping[str, Tensor]) -> Self:  # noqa: ARG002  (Objective)
        """Leave the tensors as they are."""
        return self


def _target(example: QuestionExample, rows: QuestionRows, window: int) -> Tensor:
    target_T2 = torch.zeros(len(rows.rows[window].token_ids), 2)
    first = last = 0
    if example.answers:
        start, text = example.answers[0]
        first, last = rows.target(window, start, start + len(text))
    target_T2[first, 0] = target_T2[last, 1] = 1
    return target_T2


def _answers(row: SourceRow, context: str) -> Iterator[_Answer]:
    value = row.fields["answers"]
    if not isinstance(value, dict):
        raise row.fault(f"answers must be an object, got {type(value).__name__}")
    answers = cast("dict[str, object]", value)
    texts, starts = answers.get("text"), answers.get("answer_start")
    if not isinstance(texts, list) or not isinstance(starts, list):
        raise row.fault("answers must have the lists text and answer_start")
    found = cast("list[object]", texts), cast("list[object]", starts)
    if len(found[0]) != len(found[1]):
        raise row.fault(f"answers has {len(found[0])} texts and {len(found[1])} starts")
    for text, start in zip(*found, strict=True):
        answer = row.checked_text("answers", text, most=len(context))
        if not isinstance(start, int) or isinstance(start, bool) or start < 0:
            raise row.fault(f"answer_start must be a whole number, got {start!r}")
        if not answer or context[start : start + len(answer)] != answer:
            raise row.fault(f"the answer {answer[:40]!r} does not stand at {start} of the context")
        yield start, answer
