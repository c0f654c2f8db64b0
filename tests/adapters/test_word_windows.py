"""Words and their first tokens, with every kind of tokenizer, in one window and in many."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multitap_adapters.embedded import embedded_folder
from multitap_adapters.tokenizer import Tokenizer
from multitap_adapters.word_windows import WordRows, least_word_tokens, word_rows
from other_tokenizers import byte_tokenizer, piece_tokenizer
from reference_tokenizer import reference_words
from tiny_backbone import tiny_tokenizer

_WIDE = 10_000
_words = st.lists(
    st.sampled_from(
        ["film", "was", "Paris", "don't", "e\u0301t\u00e9", "👍🏽", "xyz" * 6, "\u0301"]
    ),
    max_size=40,
)


@pytest.fixture(scope="module")
def embedded() -> Tokenizer:
    return Tokenizer.read(embedded_folder())


TOKENIZERS: dict[str, Callable[[], Tokenizer]] = {
    "pieces of words": lambda: Tokenizer(tiny_tokenizer().to_str()),
    "bytes": byte_tokenizer,
    "pieces with spaces": piece_tokenizer,
}


@pytest.fixture(scope="module", params=TOKENIZERS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return TOKENIZERS[str(request.param)]()


def rows_of(tokenizer: Tokenizer, words: Sequence[str], max_tokens: int = _WIDE) -> WordRows:
    [found] = word_rows(tokenizer, [words], max_tokens=max_tokens)
    return found


@pytest.mark.parametrize(
    "words",
    [
        ["John", "O'Brien", "lives", "in", "New-York", "."],
        ["e\u0301tude", "\u200b", "Ünü", "👍🏽", "東京", "x" * 200],
        ["New York", "[SEP]", "\u0301", "a"],
    ],
)
def test_tokens_and_words_are_those_of_transformers(embedded: Tokenizer, words: list[str]) -> None:
    token_ids, word_ids = reference_words(embedded_folder(), words)

    found = rows_of(embedded, words)

    assert list(found.rows[0].token_ids) == token_ids
    firsts = {word: word_ids.index(word) for word in word_ids if word is not None}
    assert [(p.word, p.token) for p in found.places] == sorted(firsts.items())


@given(_words, st.integers(3, 40))
def test_every_word_is_read_at_its_own_first_token(words: list[str], max_tokens: int) -> None:
    tokenizer = Tokenizer(tiny_tokenizer().to_str())
    whole = rows_of(tokenizer, words)

    found = rows_of(tokenizer, words, max_tokens)

    assert [p.word for p in found.places] == [p.word for p in whole.places]
    for cut, place in zip(found.places, whole.places, strict=True):
        row = found.rows[cut.window]
        assert row.token_ids[cut.token] == whole.rows[0].token_ids[place.token]
        alone = rows_of(tokenizer, [words[cut.word]]).rows[0].token_ids[1]
        assert row.token_ids[cut.token] == alone


@given(_words, st.integers(3, 40))
def test_windows_are_no_longer_than_they_may_be_and_cut_nothing(
    words: list[str], max_tokens: int
) -> None:
    tokenizer = Tokenizer(tiny_tokenizer().to_str())
    [cls, *content, sep] = rows_of(tokenizer, words).rows[0].token_ids

    found = rows_of(tokenizer, words, max_tokens)

    seen: set[int] = set()
    for row in found.rows:
        assert len(row.token_ids) == len(row.type_ids) <= max_tokens
        assert (row.token_ids[0], row.token_ids[-1]) == (cls, sep)
        inner = list(row.token_ids[1:-1])
        starts = [i for i in range(len(content)) if content[i : i + len(inner)] == inner]
        seen.update(*(range(start, start + len(inner)) for start in starts))
    assert seen == set(range(len(content)))


def test_words_in_the_middle_of_a_window_answer_for_those_at_its_edge(
    tokenizer: Tokenizer,
) -> None:
    words = ["a"] * 60
    found = rows_of(tokenizer, words, 26)

    assert len(found.rows) > 2
    assert len(found.places) == 60
    inner = [p for p in found.places if 10 <= p.word < 50]
    for place in inner:
        length = len(found.rows[place.window].token_ids)
        assert min(place.token, length - 1 - place.token) >= 4


def test_a_word_longer_than_every_window_is_read_at_its_beginning() -> None:
    tokenizer = byte_tokenizer()
    [place] = rows_of(tokenizer, ["x" * 500], 16).places

    assert (place.window, place.token) == (0, 1)


def test_a_word_that_the_tokenizer_makes_nothing_of_has_no_place(embedded: Tokenizer) -> None:
    assert [p.word for p in rows_of(embedded, ["a", "\u0301", "b"]).places] == [0, 2]


def test_no_words_are_one_row_of_special_tokens(tokenizer: Tokenizer) -> None:
    found = rows_of(tokenizer, [])

    assert (len(found.rows), len(found.rows[0].token_ids), found.places) == (1, 2, ())


def test_a_byte_level_word_has_the_space_that_stands_before_it_in_a_text() -> None:
    bare, spaced = byte_tokenizer(), byte_tokenizer(prefix_space=True)
    (text,) = bare.tokenize([" Paris the"], max_tokens=_WIDE)

    assert rows_of(bare, ["Paris", "the"]).rows[0].token_ids == text.token_ids
    assert rows_of(spaced, ["Paris", "the"]).rows[0].token_ids == text.token_ids


def test_rows_of_one_call_do_not_change_each_other(tokenizer: Tokenizer) -> None:
    texts = [["a"] * 30, [], ["the", "pa"]]

    together = word_rows(tokenizer, texts, max_tokens=12)

    assert together == [rows_of(tokenizer, words, 12) for words in texts]


def test_the_least_length_has_room_for_one_token(tokenizer: Tokenizer) -> None:
    least = least_word_tokens(tokenizer)

    assert len(rows_of(tokenizer, ["a", "a"], least).places) == 2
    with pytest.raises(ValueError, match="has no room"):
        rows_of(tokenizer, ["a"], least - 1)
