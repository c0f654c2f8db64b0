"""SQuAD's rules, on cases worked out by hand."""

import pytest

from multitap_training.squad import answer_scores, normalized, overlap


def test_case_punctuation_articles_and_spaces_do_not_count() -> None:
    assert normalized("The  Eiffel-Tower, an (iron) tower!") == "eiffeltower iron tower"
    assert normalized("A theatre") == "theatre"


def test_overlap_is_the_f1_of_words() -> None:
    # "red big house" and "big house of cards" share two words.
    assert overlap("the red big house", "big house of cards") == pytest.approx(2 * 2 / (3 + 4))
    assert overlap("red red", "red") == pytest.approx(2 / 3)
    assert overlap("cat", "dog") == 0.0


def test_no_answer_is_right_only_where_there_is_none() -> None:
    assert (overlap("", ""), overlap("", "x"), overlap("x", "")) == (1.0, 0.0, 0.0)


def test_of_several_right_answers_the_most_similar_one_counts() -> None:
    given = ["Denver Broncos", "in 1998", ""]

    f1, exact = answer_scores(given, [["Broncos", "denver broncos"], ["1998"], []])

    assert (f1.name, exact.name) == ("f1", "exact_match")
    assert f1.value == pytest.approx((1 + 2 / 3 + 1) / 3)
    assert exact.value == pytest.approx(2 / 3)
