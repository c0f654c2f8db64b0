"""Runs for tests of decoders: heads, outputs and parts of a call, made without an engine."""

from collections.abc import Sequence

import numpy as np

from multitap.predictions import Prediction
from multitap.wire import Parameters
from multitap_adapters.spec import Head, HeadKind, HeadLayer
from multitap_server.decoding import RunRows, ScoreBudget, decode
from multitap_server.engine.contract import EncodedRow, Output, TextRow

PLENTY = 1_000_000


def pooled_head(
    kind: HeadKind, labels: Sequence[str] = (), *, out: int = 1, normalize: bool = False
) -> Head:
    """Return a head over whole texts, with as many outputs as labels where it has some."""
    layers = (HeadLayer(out=len(labels) or out),)
    return Head(kind=kind, labels=tuple(labels), input="mean", layers=layers, normalize=normalize)


def pooled_run(outputs: Sequence[Sequence[float]]) -> RunRows:
    """Return a run of one row for each of these outputs."""
    row = EncodedRow([1, 2], [0, 0], truncated=False)
    arrays: list[Output] = [np.array(output, dtype=np.float32) for output in outputs]
    return RunRows([TextRow("x")] * len(arrays), [row] * len(arrays), arrays)


def decode_pooled(
    head: Head,
    outputs: Sequence[Sequence[float]],
    parameters: Parameters | None = None,
    *,
    limit: int = PLENTY,
) -> list[Prediction]:
    """Return the predictions of a head over whole texts."""
    return decode(head, pooled_run(outputs), parameters or Parameters(), ScoreBudget(limit))
