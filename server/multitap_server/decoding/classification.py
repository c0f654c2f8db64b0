"""One of the labels: the softmax of the logits.

Shapes: R rows, L labels.
"""

from collections.abc import Sequence

import numpy as np

from multitap.predictions import ClassificationPrediction, LabelScore, Prediction
from multitap.wire import Parameters
from multitap_adapters.spec import Head

from .budget import ScoreBudget
from .run_rows import RunRows, finite, softmax


def decode_classification(
    head: Head,
    run: RunRows,
    parameters: Parameters,
    _: ScoreBudget,
) -> list[Prediction]:
    """Return the most probable label of each row, and with `top_k` the best ones in order."""
    scores_RL = softmax(finite(run.outputs, head.kind))
    if parameters.top_k is None:
        best: list[int] = scores_RL.argmax(axis=1).tolist()  # the first of equals, as sorted below
        return [
            ClassificationPrediction(label=head.labels[index], score=float(scores_L[index]))
            for index, scores_L in zip(best, scores_RL, strict=True)
        ]
    order_RL = np.argsort(-scores_RL, axis=1, kind="stable")[:, : parameters.top_k]
    sorted_RL = np.take_along_axis(scores_RL, order_RL, axis=1)
    return [
        _ranked(head.labels, order, scores)
        for order, scores in zip(order_RL.tolist(), sorted_RL.tolist(), strict=True)
    ]


def _ranked(
    labels: Sequence[str], order: Sequence[int], scores: Sequence[float]
) -> ClassificationPrediction:
    ranked = [
        LabelScore(label=labels[index], score=score)
        for index, score in zip(order, scores, strict=True)
    ]
    return ClassificationPrediction(label=ranked[0].label, score=ranked[0].score, scores=ranked)
