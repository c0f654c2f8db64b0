"""Questions with their contexts: windows, characters of tokens, and tokens of characters."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multitap_adapters.embedded import embedded_folder
from multitap_adapters.question_windows import (
    QuestionRows,
    least_question_tokens,
    question_rows,
)
from multitap_adapters.tokenizer import Tokenizer
from other_tokenizers import byte_tokenizer, piece_tokenizer
from tiny_backbone import tiny_tokenizer

_WIDE = 10_000
_CONTEXT = (
    "The film was made in Paris.\r\nIt\twas cafe\u0301 \u00fcber 👍🏽 good; don't ask why [SEP]."
)
_texts = st.lists(
    st.sampled_from(["film", "was", "e\u0301", "👍🏽", "\r\n", "xyz"]), max_size=40
).map(" ".join)


def tiny() -> Tokenizer:
    return Tokenizer(tiny_tokenizer().to_str())


TOKENIZERS: dict[str, Callable[[], Tokenizer]] = {
    "tiny": tiny,
    "bytes": byte_tokenizer,
    "pieces": piece_tokenizer,
    "embedded": lambda: Tokenizer.read(embedded_folder()),
}


@pytest.fixture(scope="module", params=TOKENIZERS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return TOKENIZERS[str(request.param)]()


def rows_of(
    tokenizer: Tokenizer, question: str, context: str, max_tokens: int = _WIDE
) -> QuestionRows:
    [found] = question_rows(tokenizer, [(question, context)], max_tokens=max_tokens)
    return found


@pytest.mark.parametrize("pair", [("why?", "The film"), ("", "film"), ("why", ""), ("", "")])
def test_a_short_question_is_the_row_of_its_pair(
    tokenizer: Tokenizer, pair: tuple[str, str]
) -> None:
    [expected] = tokenizer.tokenize([pair], max_tokens=_WIDE)

    found = rows_of(tokenizer, *pair)

    assert found.rows == (expected,)
    assert not found.question_cut


@given(_texts, _texts, st.integers(5, 40))
def test_every_window_is_the_row_that_its_tokens_make(
    question: str, context: str, max_tokens: int
) -> None:
    tokenizer = tiny()
    [whole] = tokenizer.tokenize_questions([(question, context)])

    found = rows_of(tokenizer, question, context, max_tokens)

    kept = min(len(whole.question), (max_tokens - 3) // 2)
    asked = [whole.token_ids[i] for i in whole.question][:kept]
    told = [whole.token_ids[i] for i in whole.context]
    cls, sep = whole.token_ids[0], whole.token_ids[-1]
    assert found.question_cut == (kept < len(whole.question))
    assert found.windows.starts[-1] + found.windows.length == len(told) == len(found.spans)
    for row, start in zip(found.rows, found.windows.starts, strict=True):
        part = told[start : start + found.windows.length]
        assert list(row.token_ids) == [cls, *asked, sep, *part, sep]
        assert list(row.type_ids) == [0] * (len(asked) + 2) + [1] * (len(part) + 1)
        assert len(row.token_ids) <= max_tokens
        assert list(row.token_ids[found.prefix :][: len(part)]) == part


def test_tokens_know_their_characters_in_the_context_as_it_was_sent(tokenizer: Tokenizer) -> None:
    found = rows_of(tokenizer, "where?", _CONTEXT)

    covered = {place for start, end in found.spans for place in range(start, end)}
    assert all(0 <= start <= end <= len(_CONTEXT) for start, end in found.spans)
    assert [a for a, _ in found.spans] == sorted(a for a, _ in found.spans)
    assert all(place in covered for place, c in enumerate(_CONTEXT) if c.isascii() and c.isalpha())


@pytest.mark.parametrize(
    "answer", ["Paris", "The film", "cafe\u0301", "\u00fcber", "👍🏽", "ask why"]
)
@pytest.mark.parametrize("max_tokens", [_WIDE, 60])
def test_an_answer_s_characters_come_back_from_its_tokens(
    tokenizer: Tokenizer, answer: str, max_tokens: int
) -> None:
    start = _CONTEXT.index(answer)
    found = rows_of(tokenizer, "a", _CONTEXT, max_tokens)

    held = 0
    for window, begin in enumerate(found.windows.starts):
        first, last = found.target(window, start, start + len(answer))
        if (first, last) != (0, 0):
            held += 1
            shift = begin - found.prefix
            text = _CONTEXT[found.spans[first + shift][0] : found.spans[last + shift][1]]
            assert text.strip() in (answer, answer.rstrip("\u0301"))
    assert held >= 1


def test_a_window_that_does_not_hold_the_whole_answer_points_at_its_first_token() -> None:
    context = " ".join(["film"] * 20)
    found = rows_of(tiny(), "who", context, 13)

    # nine tokens of context in a window: the answer is tokens 6 to 9
    targets = [found.target(window, 30, 49) for window in range(len(found.rows))]

    assert found.windows.length == 9
    assert targets[0] == (0, 0)
    [held] = {target for target in targets if target != (0, 0)}
    assert held[1] - held[0] == 3


def test_characters_without_a_token_have_no_target() -> None:
    assert rows_of(tiny(), "why", "a  b").target(0, 1, 3) == (0, 0)
    assert rows_of(tiny(), "why", "").target(0, 0, 0) == (0, 0)


def test_the_least_length_has_room_for_a_token_of_each(tokenizer: Tokenizer) -> None:
    least = least_question_tokens(tokenizer)

    found = rows_of(tokenizer, "a b", "c d", least)

    assert all(len(row.token_ids) == least for row in found.rows)
    with pytest.raises(ValueError, match="has no room"):
        rows_of(tokenizer, "a", "b", least - 2)


def test_a_question_keeps_at_most_half_of_a_row() -> None:
    found = rows_of(tiny(), "why " * 100, "a b c", 23)

    assert found.question_cut
    assert found.prefix == 2 + 10
    assert len(found.rows) == 1
