"""Scores of predicted against true labels and values.

Shape suffixes: R rows, L labels.
"""

import math
from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import groupby
from statistics import StatisticsError, correlation, fmean

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Score:
    """One named score; larger is better."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """A split's scores, the one that decides first, and its mean loss, which settles a tie.

    On a small split many epochs have the same accuracy, and the first of them is rarely the best.
    """

    scores: tuple[Score, ...]
    loss: float

    def beats(self, other: "Measurement") -> bool:
        """Whether this is the better of two measurements of the same split."""
        mine, theirs = self.scores[0].value, other.scores[0].value
        return mine > theirs or (mine == theirs and self.loss < other.loss)


def accuracy(predicted: Sequence[int], true: Sequence[int]) -> float:
    """Return the share of equal labels."""
    return sum(p == t for p, t in zip(predicted, true, strict=True)) / len(true)


def f1(predicted: Sequence[int], true: Sequence[int], label: int) -> float:
    """Return the harmonic mean of one label's precision and recall; 0 where nothing was found."""
    hits = sum(p == t == label for p, t in zip(predicted, true, strict=True))
    either = sum(p == label for p in predicted) + sum(t == label for t in true)
    return 2 * hits / either if either else 0.0


def macro_f1(predicted: Sequence[int], true: Sequence[int]) -> float:
    """Return the mean F1 over the labels that occur in either."""
    labels = sorted(set(predicted) | set(true))
    return sum(f1(predicted, true, label) for label in labels) / len(labels)


def classification_scores(
    predicted: Sequence[int], true: Sequence[int], labels: Sequence[str], positive: str | None
) -> tuple[Score, ...]:
    """Return the scores of one split, the one that chooses the best epoch first."""
    scores = [
        Score("accuracy", accuracy(predicted, true)),
        Score("macro_f1", macro_f1(predicted, true)),
    ]
    if positive is not None:
        value = f1(predicted, true, list(labels).index(positive))
        scores.insert(0, Score(f"f1 of {positive}", value))
    return tuple(scores)


def multilabel_scores(chosen_RL: Tensor, true_RL: Tensor) -> tuple[Score, ...]:
    """Return micro F1, macro F1 over labels that occur, and the share of rows without an error."""
    hits_L = (chosen_RL & true_RL).sum(0)
    either_L = chosen_RL.sum(0) + true_RL.sum(0)
    either = int(either_L.sum())
    occurs_L = either_L > 0
    macro = 2 * hits_L[occurs_L] / either_L[occurs_L]
    return (
        Score("micro_f1", 2 * int(hits_L.sum()) / either if either else 0.0),
        Score("macro_f1", float(macro.mean()) if either else 0.0),
        Score("exact_match", float((chosen_RL == true_RL).all(1).float().mean())),
    )


def span_scores(
    predicted: Sequence[AbstractSet[Hashable]], true: Sequence[AbstractSet[Hashable]]
) -> tuple[Score, ...]:
    """Return F1, precision and recall of whole spans over all texts; 0 where there are none."""
    hits = sum(len(p & t) for p, t in zip(predicted, true, strict=True))
    found, wanted = sum(map(len, predicted)), sum(map(len, true))
    return (
        Score("f1", 2 * hits / (found + wanted) if found + wanted else 0.0),
        Score("precision", hits / found if found else 0.0),
        Score("recall", hits / wanted if wanted else 0.0),
    )


def regression_scores(predicted: Sequence[float], true: Sequence[float]) -> tuple[Score, ...]:
    """Return Pearson's and Spearman's correlation, and R squared: 1 - squared error / variance."""
    center = fmean(true)
    variation = math.fsum((t - center) ** 2 for t in true)
    error = math.fsum((p - t) ** 2 for p, t in zip(predicted, true, strict=True))
    return (
        Score("pearson", pearson(predicted, true)),
        Score("spearman", pearson(ranks(predicted), ranks(true))),
        Score("r_squared", 1 - error / variation if variation else 0.0),
    )


def pearson(predicted: Sequence[float], true: Sequence[float]) -> float:
    """Return the linear correlation; 0 where one of them is constant, or there is one row only."""
    try:
        return correlation(predicted, true)
    except StatisticsError:
        return 0.0


def ranks(values: Sequence[float]) -> list[float]:
    """Return each value's rank from 1; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    result = [0.0] * len(values)
    place = 1
    for _, equal in groupby(order, key=values.__getitem__):
        rows = list(equal)
        for row in rows:
            result[row] = place + (len(rows) - 1) / 2
        place += len(rows)
    return result
