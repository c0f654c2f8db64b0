"""Questions with their contexts, as rows of tokens, and back from tokens to characters.

Every row holds the whole question and a window of the context. For training as for serving: a
span of characters has its tokens in a window, or the window does not hold the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .tokenizer import PairTokens, TokenizedRow, Tokenizer
from .windows import Windows
from .words import Span


@dataclass(frozen=True, slots=True)
class QuestionRows:
    """The rows of one question, one for each window of its context.

    `spans` are the characters of each of the context's tokens. In every row, the window's first
    token stands at `prefix`. `question_cut` where the question took more than half of a row.
    """

    rows: tuple[TokenizedRow, ...]
    windows: Windows
    prefix: int
    spans: Sequence[Span]
    question_cut: bool

    def target(self, window: int, start: int, end: int) -> tuple[int, int]:
        """Return the first and last token, in a window's row, of the characters `start` to `end`.

        Where the window does not hold all of them, both are 0: the first token, which stands for
        no answer (Devlin et al. 2019, section 4.3).
        """
        touched = [i for i, (first, last) in enumerate(self.spans) if first < end and last > start]
        begin = self.windows.starts[window]
        if not touched or touched[0] < begin or touched[-1] >= begin + self.windows.length:
            return 0, 0
        shift = self.prefix - begin
        return touched[0] + shift, touched[-1] + shift


def least_question_tokens(tokenizer: Tokenizer) -> int:
    """Return the shortest length that a task over questions can have."""
    return tokenizer.special_tokens(pair=True) + 2


def question_rows(
    tokenizer: Tokenizer, questions: Sequence[tuple[str, str]], *, max_tokens: int
) -> list[QuestionRows]:
    """Tokenize questions with their contexts; a long context becomes several overlapping rows.

    The question keeps at most half of a row, its beginning.

    Raises:
        ValueError: `max_tokens` is less than `least_question_tokens`.
    """
    return [_place(tokens, max_tokens) for tokens in tokenizer.tokenize_questions(questions)]


def _place(tokens: PairTokens, max_tokens: int) -> QuestionRows:
    question, context = tokens.question, tokens.context
    room = max_tokens - (len(tokens.token_ids) - len(question) - len(context))
    kept = min(len(question), room // 2)
    windows = Windows.over(len(context), room - kept)
    return QuestionRows(
        rows=tuple(tokens.cut(kept, start, start + windows.length) for start in windows.starts),
        windows=windows,
        prefix=context.start - (len(question) - kept),
        spans=tokens.spans,
        question_cut=kept < len(question),
    )
