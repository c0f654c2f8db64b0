"""Where words are: the rules by example, and what holds for every text."""

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multitap_adapters.words import end_with_marks, split_words

_FAMILY = "👩\u200d👩\u200d👧"
_texts = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("aB1 '\u2019-.&@#,:/_\t\r\n\u0301\u200d\ufe0f\u200b👍🏽🇩東の"),
    ),
    max_size=40,
)


def words_of(text: str) -> list[str]:
    return [text[start:end] for start, end in split_words(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\r\n\u00a0\u200b\ufeff", []),
        ("Don't stop, e-mail me!", ["Don't", "stop", ",", "e-mail", "me", "!"]),
        ("don\u2019t rock'n'roll", ["don\u2019t", "rock'n'roll"]),
        ("Obama's James' it's 's", ["Obama", "'s", "James", "'", "it", "'s", "'", "s"]),
        ("'quoted' \"too\"", ["'", "quoted", "'", '"', "too", '"']),
        ("AT&T R & D", ["AT&T", "R", "&", "D"]),
        ("the U.S. and U.K., e.g. it.", ["the", "U.S.", "and", "U.K.", ",", "e.g.", "it", "."]),
        ("U.S.A 3.14 1,000 10:30 1/2", ["U.S.A", "3.14", "1,000", "10:30", "1/2"]),
        ("and/or a:b c,d", ["and", "/", "or", "a", ":", "b", "c", ",", "d"]),
        ("@user #tag a@b.org @ #", ["@user", "#tag", "a@b.org", "@", "#"]),
        ("(https://t.co/a?b=c).", ["(", "https://t.co/a?b=c", ")", "."]),
        ("see www.x.org, ok", ["see", "www.x.org", ",", "ok"]),
        ("wait... what?! --no", ["wait", "...", "what", "?", "!", "--", "no"]),
        ("a_b __init__", ["a_b", "__init__"]),
        ("line\r\nbreak\ttab", ["line", "break", "tab"]),
        ("in 東京タワー は", ["in", "東", "京", "タワー", "は"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("서울에서 살아요", ["서울에서", "살아요"]),
        ("e\u0301tude cafe\u0301's", ["e\u0301tude", "cafe\u0301", "'s"]),
        ("soft\u00adhyphen \u0645\u200c\u062e", ["soft\u00adhyphen", "\u0645\u200c\u062e"]),
        (f"ok{_FAMILY}👍🏽😂😂", ["ok", _FAMILY, "👍🏽", "😂😂"]),
        ("❤️❤️ 1️⃣", ["❤️", "❤️", "1️⃣"]),
        ("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"]),
        ("$5 50% C#", ["$", "5", "50", "%", "C", "#"]),
    ],
)
def test_words_are_those_of_a_tagged_corpus(text: str, expected: list[str]) -> None:
    assert words_of(text) == expected


@given(_texts)
def test_words_stand_in_order_and_are_not_empty(text: str) -> None:
    spans = split_words(text)

    assert all(start < end for start, end in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


@given(_texts)
def test_no_word_has_a_space_and_no_letter_is_left_out(text: str) -> None:
    spans = split_words(text)

    assert not any(re.search(r"\s", text[start:end]) for start, end in spans)
    covered = {place for start, end in spans for place in range(start, end)}
    left = [c for place, c in enumerate(text) if place not in covered]
    assert not any(unicodedata.category(c)[0] in "LNPS" for c in left)


@given(_texts)
def test_a_mark_is_never_parted_from_what_it_stands_on(text: str) -> None:
    for start, _ in split_words(text):
        assert not unicodedata.combining(text[start])


@given(_texts, _texts)
def test_words_do_not_depend_on_what_stands_beyond_a_space(first: str, second: str) -> None:
    shift = len(first) + 1

    both = split_words(f"{first} {second}")

    assert both == split_words(first) + [(a + shift, b + shift) for a, b in split_words(second)]


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "'" * 100_000, "a." * 50_000, "\u200d" * 100_000, "http://" * 20_000]
)
def test_long_and_odd_texts_take_no_longer_than_others(text: str) -> None:
    spans = split_words(text)

    assert sum(end - start for start, end in spans) <= len(text)


@pytest.mark.parametrize(
    ("text", "end", "expected"),
    [("cafe\u0301 x", 4, 5), ("cafe x", 4, 4), ("❤️", 1, 2), ("ab", 2, 2), ("a\u0301\u0302b", 1, 3)],
)
def test_a_part_ends_behind_the_marks_of_its_last_character(
    text: str, end: int, expected: int
) -> None:
    assert end_with_marks(text, end) == expected
