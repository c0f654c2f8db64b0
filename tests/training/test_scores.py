"""Scores against cases counted by hand."""

import pytest
import torch

from multitap_training.scores import (
    accuracy,
    classification_scores,
    f1,
    macro_f1,
    multilabel_scores,
    pearson,
    ranks,
)

# Label 0: 2 hits, 3 predicted, 3 true. Label 1: 2 hits, 3 predicted, 2 true. Label 2: never found.
PREDICTED = [0, 0, 1, 1, 0, 1]
TRUE = [0, 0, 0, 1, 2, 1]


def test_accuracy_is_the_share_of_equal_labels() -> None:
    assert accuracy(PREDICTED, TRUE) == pytest.approx(4 / 6)


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    assert f1(PREDICTED, TRUE, 0) == pytest.approx(2 / 3)
    assert f1(PREDICTED, TRUE, 1) == pytest.approx(2 * (2 / 3) * 1 / (2 / 3 + 1))


def test_f1_of_a_label_that_was_never_found_is_zero() -> None:
    assert f1(PREDICTED, TRUE, 2) == 0.0
    assert f1(PREDICTED, TRUE, 7) == 0.0


def test_macro_f1_is_the_mean_over_the_labels_that_occur() -> None:
    assert macro_f1(PREDICTED, TRUE) == pytest.approx((2 / 3 + 4 / 5 + 0) / 3)
    assert macro_f1([3, 3], [3, 3]) == 1.0


def test_accuracy_decides_unless_a_label_was_named() -> None:
    names = ["a", "b", "c"]

    assert classification_scores(PREDICTED, TRUE, names, None)[0].name == "accuracy"
    named = classification_scores(PREDICTED, TRUE, names, "b")
    assert [score.name for score in named] == ["f1 of b", "accuracy", "macro_f1"]
    assert [score.value for score in named] == pytest.approx([4 / 5, 4 / 6, (2 / 3 + 4 / 5) / 3])


def test_rows_that_do_not_pair_up_are_an_error() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        accuracy([1, 2], [1])


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    assert ranks([3.0, 1.0, 3.0, 2.0]) == [3.5, 1.0, 3.5, 2.0]
    assert ranks([]) == []


def test_a_constant_or_a_single_value_correlates_with_nothing() -> None:
    assert pearson([1.0, 1.0], [1.0, 2.0]) == 0.0
    assert pearson([1.0], [2.0]) == 0.0


def test_labels_that_occur_nowhere_count_nowhere() -> None:
    nothing = torch.zeros(2, 3, dtype=torch.bool)

    assert [score.value for score in multilabel_scores(nothing, nothing)] == [0.0, 0.0, 1.0]
