"""From what a client sent to the rows that run: one a text, or as many windows as a text needs."""

from collections.abc import Sequence

from multitap_adapters.question_windows import question_rows
from multitap_adapters.tokenizer import TokenizedRow, Tokenizer
from multitap_adapters.word_windows import word_rows
from multitap_adapters.words import Span, split_words

from .contract import EncodedQuestion, EncodedRow, EncodedWords, QuestionRow, TextRow, TokensRow
from .errors import InputTooLong


def encode_texts(
    tokenizer: Tokenizer, rows: Sequence[TextRow], *, max_tokens: int, truncate: bool
) -> list[EncodedRow]:
    """Tokenize texts and pairs; long ones are cut. Raises: InputTooLong, if not to be cut."""
    texts = [row.text if row.text_pair is None else (row.text, row.text_pair) for row in rows]
    encoded: list[EncodedRow] = []
    for index, row in enumerate(tokenizer.tokenize(texts, max_tokens=max_tokens)):
        truncated = row.tokens > max_tokens
        if truncated and not truncate:
            raise InputTooLong(index, tokens=row.tokens, limit_tokens=max_tokens)
        encoded.append(EncodedRow(row.token_ids, row.type_ids, truncated))
    return encoded


def encode_words(
    tokenizer: Tokenizer, rows: Sequence[TextRow | TokensRow], *, max_tokens: int
) -> list[EncodedWords]:
    """Split texts into words, tokenize, and cover each with windows."""
    spans = [_spans(row) for row in rows]
    texts = [
        row.tokens if isinstance(row, TokensRow) else [row.text[a:b] for a, b in found]
        for row, found in zip(rows, spans, strict=True)
    ]
    return [
        EncodedWords(_run_whole(words.rows), words.places, found)
        for words, found in zip(
            word_rows(tokenizer, texts, max_tokens=max_tokens), spans, strict=True
        )
    ]


def encode_questions(
    tokenizer: Tokenizer, rows: Sequence[QuestionRow], *, max_tokens: int
) -> list[EncodedQuestion]:
    """Tokenize questions, and cover each context with windows."""
    pairs = [(row.question, row.context) for row in rows]
    return [
        EncodedQuestion(_run_whole(question.rows), question)
        for question in question_rows(tokenizer, pairs, max_tokens=max_tokens)
    ]


def _spans(row: TextRow | TokensRow) -> list[Span]:
    if isinstance(row, TextRow):
        return split_words(row.text)
    return [(index, index + 1) for index in range(len(row.tokens))]


def _run_whole(rows: Sequence[TokenizedRow]) -> list[EncodedRow]:
    return [EncodedRow(row.token_ids, row.type_ids, truncated=False) for row in rows]
