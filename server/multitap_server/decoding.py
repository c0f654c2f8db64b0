"""From a head's output to predictions: one decoder per kind, all arithmetic in float64.

Shapes: R rows, L labels.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from multitap.wire import ClassificationPrediction, LabelScore, Parameters, Prediction
from multitap_adapters.spec import Head

from .engine.contract import Output
from .errors import UnusableOutput

Floats: TypeAlias = npt.NDArray[np.float64]
Decoder: TypeAlias = Callable[[Head, Sequence[Output], Parameters], list[Prediction]]


def decode(head: Head, outputs: Sequence[Output], parameters: Parameters) -> list[Prediction]:
    """Return one prediction per output, in order.

    Raises:
        KeyError: the kind has no decoder; ask for servability first.
        UnusableOutput: an output is not finite.
    """
    return DECODERS[head.kind](head, outputs, parameters)


def _decode_classification(
    head: Head, outputs: Sequence[Output], parameters: Parameters
) -> list[Prediction]:
    scores_RL = softmax(np.stack(outputs).astype(np.float64), head.kind)
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


def softmax(logits_RL: Floats, kind: str) -> Floats:
    """Return the softmax of each row, shifted by its maximum so that nothing overflows."""
    if not np.isfinite(logits_RL).all():
        raise UnusableOutput(kind)
    powers_RL = np.exp(logits_RL - logits_RL.max(axis=1, keepdims=True))
    shares_RL: Floats = powers_RL / powers_RL.sum(axis=1, keepdims=True)
    return shares_RL


DECODERS: Final[Mapping[str, Decoder]] = MappingProxyType(
    {"classification": _decode_classification}
)
