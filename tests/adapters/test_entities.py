"""Which words belong together: every rule by example, and the whole against seqeval's idea."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multitap_adapters.entities import Group, group_words, label_roles

BIO = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
BIOES = ("O", *(f"{mark}-{name}" for name in ("PER", "LOC") for mark in "BIES"))
BILOU = ("O", *(f"{mark}-{name}" for name in ("PER", "LOC") for mark in "BILU"))
PLACES = ("O", "PER", "LOC")
SPEECH = ("NOUN", "VERB", "DET")


def grouped(labels: Sequence[str], text: str) -> list[tuple[str, int, int]]:
    """Return the entities of words with these labels, written with spaces between them."""
    chosen = [labels.index(label) for label in text.split()]
    return [(g.name, g.first, g.last) for g in group_words(label_roles(labels), chosen)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("O O", []),
        ("B-PER I-PER O", [("PER", 0, 1)]),
        ("B-PER B-PER", [("PER", 0, 0), ("PER", 1, 1)]),
        ("B-PER I-PER B-PER I-PER I-PER", [("PER", 0, 1), ("PER", 2, 4)]),
        ("O I-PER I-PER", [("PER", 1, 2)]),
        ("I-PER I-LOC I-PER", [("PER", 0, 0), ("LOC", 1, 1), ("PER", 2, 2)]),
        ("B-PER I-LOC", [("PER", 0, 0), ("LOC", 1, 1)]),
        ("B-PER O I-PER", [("PER", 0, 0), ("PER", 2, 2)]),
        ("O B-LOC I-LOC I-LOC", [("LOC", 1, 3)]),
    ],
)
def test_bio_labels_begin_and_continue_entities(
    text: str, expected: list[tuple[str, int, int]]
) -> None:
    assert grouped(BIO, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B-PER I-PER E-PER E-PER", [("PER", 0, 2), ("PER", 3, 3)]),
        ("S-PER S-PER I-PER", [("PER", 0, 0), ("PER", 1, 1), ("PER", 2, 2)]),
        ("B-PER E-LOC I-LOC", [("PER", 0, 0), ("LOC", 1, 1), ("LOC", 2, 2)]),
    ],
)
def test_labels_that_end_an_entity_end_it(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert grouped(BIOES, text) == expected
    bilou = text.replace("E-", "L-").replace("S-", "U-")
    assert grouped(BILOU, bilou) == expected


def test_plain_labels_beside_an_o_are_joined() -> None:
    assert grouped(PLACES, "LOC LOC O LOC PER") == [
        ("LOC", 0, 1),
        ("LOC", 3, 3),
        ("PER", 4, 4),
    ]


def test_labels_without_an_o_say_what_every_word_is() -> None:
    assert grouped(SPEECH, "DET NOUN NOUN") == [("DET", 0, 0), ("NOUN", 1, 1), ("NOUN", 2, 2)]


def test_a_label_that_looks_like_a_prefix_is_plain_in_a_plain_head() -> None:
    assert grouped(("O", "E-mail", "S-expression"), "E-mail E-mail") == [("E-mail", 0, 1)]


def test_a_plain_label_among_prefixed_ones_keeps_its_name() -> None:
    assert grouped(("O", "B-PER", "I-PER", "MISC", "B-"), "MISC MISC B- B-PER") == [
        ("MISC", 0, 1),
        ("B-", 2, 2),
        ("PER", 3, 3),
    ]


@given(st.lists(st.sampled_from(BIO), max_size=30))
def test_entities_are_the_maximal_runs_that_no_b_breaks(labels: list[str]) -> None:
    expected: list[Group] = []
    for word, label in enumerate(labels):
        if label == "O":
            continue
        mark, name = label.split("-")
        before = labels[word - 1] if word else "O"
        if mark == "I" and before[2:] == name:
            expected[-1] = Group(name, expected[-1].first, word)
        else:
            expected.append(Group(name, word, word))

    assert group_words(label_roles(BIO), [BIO.index(label) for label in labels]) == expected
