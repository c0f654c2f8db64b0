"""Scores of predicted against true labels."""

from collections.abc import Sequence
from dataclasses import dataclass


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
