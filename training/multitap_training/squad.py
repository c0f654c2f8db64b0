"""Scores of answers, by the official rules of SQuAD (Rajpurkar et al. 2016, section 6.1).

Texts are compared in lower case, without punctuation and articles, their spaces as one; of several
right answers the most similar one counts.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import Final

from .scores import Score

_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)


def answer_scores(given: Sequence[str], wanted: Sequence[Sequence[str]]) -> tuple[Score, ...]:
    """Return the mean F1 of words and the share of exact matches; no answer is an empty text."""
    pairs = [(answer, rights or [""]) for answer, rights in zip(given, wanted, strict=True)]
    return (
        Score("f1", fmean(max(overlap(answer, r) for r in rights) for answer, rights in pairs)),
        Score(
            "exact_match", fmean(any(same(answer, r) for r in rights) for answer, rights in pairs)
        ),
    )


def same(answer: str, right: str) -> bool:
    """Return whether two texts are the same as they are compared."""
    return normalized(answer) == normalized(right)


def normalized(text: str) -> str:
    """Return a text as it is compared."""
    plain = text.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def overlap(answer: str, right: str) -> float:
    """Return the harmonic mean of precision and recall of the words; 1 if neither has any."""
    mine, theirs = normalized(answer).split(), normalized(right).split()
    if not mine or not theirs:
        return float(mine == theirs)
    shared = (Counter(mine) & Counter(theirs)).total()
    return 2 * shared / (len(mine) + len(theirs))
