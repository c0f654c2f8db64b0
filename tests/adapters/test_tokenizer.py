"""The tokenizer against the one of `transformers`, and how rows are cut."""

import json
from itertools import repeat
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as LibraryTokenizer

from multitap_adapters.embedded import embedded_folder
from multitap_adapters.tokenizer import TokenizedRow, Tokenizer
from reference_tokenizer import reference_ids
from tiny_backbone import tiny_tokenizer, tiny_vocabulary

Text = str | tuple[str, str]

_CLS, _SEP = tiny_vocabulary()["[CLS]"], tiny_vocabulary()["[SEP]"]
_NO_CUT = 10_000
_TEXTS: tuple[Text, ...] = (
    "",
    " ",
    "A joy from start to finish.",
    "naïve café — ÜBER 東京 🙂 \u200b a\u0301",
    "[CLS] not [SEP] special [MASK]",
    "x" * 150,
    "word " * 300,
    ("Is it good?", "Yes, very good."),
    ("", "only the second"),
    ("only the first", ""),
    ("", ""),
)

_words = st.lists(st.sampled_from(["film", "was", "very", "good", "a", "b"]), max_size=24).map(
    " ".join
)
_texts = st.one_of(_words, st.tuples(_words, _words))


@pytest.fixture(scope="module")
def tiny() -> Tokenizer:
    """Return the tiny tokenizer, whose words are one token each."""
    return Tokenizer(tiny_tokenizer().to_str())


@pytest.fixture(scope="module")
def embedded() -> Tokenizer:
    """Return the embedded backbone's tokenizer."""
    return Tokenizer.read(embedded_folder())


def _ids(row: TokenizedRow) -> list[int]:
    return list(row.token_ids)


def _words_of(count: int) -> str:
    return " ".join(repeat("film", count))


@pytest.mark.parametrize("text", _TEXTS)
def test_rows_equal_those_of_transformers(embedded: Tokenizer, text: Text) -> None:
    token_ids, type_ids = reference_ids(embedded_folder(), text)

    (row,) = embedded.tokenize([text], max_tokens=_NO_CUT)

    assert _ids(row) == token_ids
    assert list(row.type_ids) == type_ids
    assert row.tokens == len(token_ids)


def test_the_embedded_tokenizer_neither_cuts_nor_pads_by_itself(embedded: Tokenizer) -> None:
    short, long = embedded.tokenize(["one", "one " * 400], max_tokens=_NO_CUT)

    assert (len(short.token_ids), len(long.token_ids)) == (3, 402)


def test_rows_of_one_call_do_not_change_each_other(tiny: Tokenizer) -> None:
    texts: list[Text] = ["the film", ("a", "b " * 30), "very " * 30, ""]

    together = tiny.tokenize(texts, max_tokens=12)

    assert together == [tiny.tokenize([text], max_tokens=12)[0] for text in texts]


def test_no_texts_give_no_rows(tiny: Tokenizer) -> None:
    assert tiny.tokenize([], max_tokens=8) == []


@given(_texts, st.integers(3, 40))
def test_a_cut_row_has_exactly_the_tokens_that_it_may(text: Text, max_tokens: int) -> None:
    tiny = Tokenizer(tiny_tokenizer().to_str())
    (whole,) = tiny.tokenize([text], max_tokens=_NO_CUT)

    (row,) = tiny.tokenize([text], max_tokens=max_tokens)

    assert len(row.token_ids) == len(row.type_ids) == min(whole.tokens, max_tokens)
    assert row.tokens == whole.tokens
    if whole.tokens <= max_tokens:
        assert row == whole


@given(_texts, st.integers(3, 40))
def test_a_cut_row_is_that_of_the_words_it_keeps(text: Text, max_tokens: int) -> None:
    tiny = Tokenizer(tiny_tokenizer().to_str())

    (row,) = tiny.tokenize([text], max_tokens=max_tokens)

    sides = [text] if isinstance(text, str) else list(text)
    words = [side.split() for side in sides]
    while sum(map(len, words)) > max_tokens - len(sides) - 1:
        # From the longer side; in a tie from the second.
        longest = max(map(len, words))
        next(side for side in reversed(words) if len(side) == longest).pop()
    kept = [" ".join(side) for side in words]
    (expected,) = tiny.tokenize(
        [kept[0] if len(kept) == 1 else (kept[0], kept[1])], max_tokens=_NO_CUT
    )
    assert (row.token_ids, row.type_ids) == (expected.token_ids, expected.type_ids)


@pytest.mark.parametrize(
    ("first", "second", "max_tokens", "kept"),
    [
        (9, 9, 3, (0, 0)),
        (9, 9, 4, (1, 0)),
        (9, 9, 5, (1, 1)),
        (9, 9, 8, (3, 2)),
        (2, 9, 8, (2, 3)),
        (9, 2, 8, (3, 2)),
        (1, 9, 8, (1, 4)),
        (9, 1, 8, (4, 1)),
        (0, 9, 8, (0, 5)),
        (9, 0, 8, (5, 0)),
    ],
)
def test_the_longer_side_is_cut_first(
    tiny: Tokenizer, first: int, second: int, max_tokens: int, kept: tuple[int, int]
) -> None:
    pair = (_words_of(first), _words_of(second))

    (row,) = tiny.tokenize([pair], max_tokens=max_tokens)

    film = tiny_vocabulary()["film"]
    expected = [_CLS, *[film] * kept[0], _SEP, *[film] * kept[1], _SEP]
    assert _ids(row) == expected
    assert list(row.type_ids) == [0] * (kept[0] + 2) + [1] * (kept[1] + 1)


def test_special_tokens_written_in_a_text_are_cut_like_others(embedded: Tokenizer) -> None:
    (row,) = embedded.tokenize(["[SEP] [SEP] [SEP] [SEP]"], max_tokens=4)

    cls, sep = 101, 102
    assert _ids(row) == [cls, sep, sep, sep]
    assert row.tokens == 6


def test_cutting_a_pair_of_long_texts_takes_no_room_for_what_is_cut_off(tiny: Tokenizer) -> None:
    (row,) = tiny.tokenize([(_words_of(20_000), _words_of(20_000))], max_tokens=5)

    assert (len(row.token_ids), row.tokens) == (5, 40_003)


def test_the_digest_does_not_depend_on_the_file_s_cutting_and_filling(tiny: Tokenizer) -> None:
    document = json.loads(tiny_tokenizer().to_str())
    document["truncation"] = {
        "direction": "Right",
        "max_length": 3,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    document["padding"] = {
        "strategy": {"Fixed": 128},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }

    other = Tokenizer(json.dumps(document, indent=2))

    assert other.digest == tiny.digest
    assert other.tokenize(["the film"], max_tokens=64) == tiny.tokenize(["the film"], max_tokens=64)


def test_the_digest_is_that_of_the_canonical_document(tiny: Tokenizer) -> None:
    document = cast("dict[str, object]", json.loads(tiny_tokenizer().to_str()))
    del document["truncation"], document["padding"]
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert Tokenizer(text).digest == tiny.digest


def test_another_vocabulary_has_another_digest(tiny: Tokenizer) -> None:
    document = tiny_tokenizer().to_str().replace('"film"', '"movie"')

    assert Tokenizer(document).digest != tiny.digest


def test_ids_are_counted_to_the_largest_one(tiny: Tokenizer) -> None:
    assert tiny.num_ids == len(tiny_vocabulary())


@pytest.mark.parametrize("document", ["", "{", "[]", "null", "{}", '{"model": {"type": "Code"}}'])
def test_a_text_that_is_no_tokenizer_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match="no tokenizer"):
        Tokenizer(document)


def test_a_saved_tokenizer_is_read_from_its_folder(tmp_path: Path, tiny: Tokenizer) -> None:
    library: LibraryTokenizer = tiny_tokenizer()
    library.save(str(tmp_path / "tokenizer.json"))

    assert Tokenizer.read(tmp_path).digest == tiny.digest
