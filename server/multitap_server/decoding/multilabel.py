"""Any number of the labels: each one's sigmoid, independent of the others.

Shapes: R rows, L labels.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from multitap.predictions import LabelScore, MultilabelPrediction, Prediction
from multitap.wire import Parameters
from multitap_adapters.spec import Head

from .budget import ScoreBudget
from .run_rows import Floats, RunRows, finite

DEFAULT_THRESHOLD: Final = 0.5


def decode_multilabel(
    head: Head, run: RunRows, parameters: Parameters, budget: ScoreBudget
) -> list[Prediction]:
    """Return each row's labels that reach the threshold, best first, at most `top_k` of them."""
    scores_RL = sigmoid(finite(run.outputs, head.kind))
    given = parameters.threshold
    threshold = DEFAULT_THRESHOLD if given is None else given
    order_RL = np.argsort(-scores_RL, axis=1, kind="stable")[:, : parameters.top_k]
    sorted_RL = np.take_along_axis(scores_RL, order_RL, axis=1)
    counts: list[int] = (sorted_RL >= threshold).sum(axis=1).tolist()
    budget.spend(sum(counts))
    return [
        MultilabelPrediction(labels=_labels(head, order_L[:count], scores_L[:count]))
        for order_L, scores_L, count in zip(order_RL, sorted_RL, counts, strict=True)
    ]


def _labels(head: Head, order_L: npt.NDArray[np.intp], scores_L: Floats) -> list[LabelScore]:
    places: list[int] = order_L.tolist()
    scores: list[float] = scores_L.tolist()
    return [
        LabelScore(label=head.labels[place], score=score)
        for place, score in zip(places, scores, strict=True)
    ]


def sigmoid(logits: Floats) -> Floats:
    """Return `1 / (1 + exp(-z))` of each value, in the form that does not overflow."""
    powers = np.exp(-np.abs(logits))
    values: Floats = np.where(logits >= 0, 1.0, powers) / (1.0 + powers)
    return values
