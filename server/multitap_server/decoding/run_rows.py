"""What a decoder gets: the rows of one part of a call, and what the engine made of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from multitap.predictions import Prediction
from multitap.wire import Parameters
from multitap_adapters.spec import Head
from multitap_server.engine.contract import Encoded, Output, Row
from multitap_server.errors import UnusableOutput

from .budget import ScoreBudget

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RunRows:
    """Inputs, how they were encoded, and the outputs of all their rows, in order."""

    rows: Sequence[Row]
    encoded: Sequence[Encoded]
    outputs: Sequence[Output]

    def by_input(self) -> Iterator[tuple[Row, Encoded, Sequence[Output]]]:
        """Yield each input with the outputs of its windows."""
        start = 0
        for row, encoded in zip(self.rows, self.encoded, strict=True):
            end = start + len(encoded.rows)
            yield row, encoded, self.outputs[start:end]
            start = end


Decoder: TypeAlias = Callable[[Head, RunRows, Parameters, ScoreBudget], list[Prediction]]


def finite(outputs: Sequence[Output], kind: str) -> Floats:
    """Return the outputs of heads that pool as one `[rows, outputs]`. Raises: UnusableOutput."""
    return require_finite(np.stack(outputs).astype(np.float64), kind)


def require_finite(values: Floats, kind: str) -> Floats:
    """Return the values where all are finite. Raises: UnusableOutput."""
    if not np.isfinite(values).all():
        raise UnusableOutput(kind)
    return values


def softmax(logits_RL: Floats) -> Floats:
    """Return the softmax of each row, shifted by its maximum so that nothing overflows."""
    powers_RL = np.exp(logits_RL - logits_RL.max(axis=1, keepdims=True))
    shares_RL: Floats = powers_RL / powers_RL.sum(axis=1, keepdims=True)
    return shares_RL
