"""A number: the head's one output as it is."""

from multitap.predictions import Prediction, RegressionPrediction
from multitap.wire import Parameters
from multitap_adapters.spec import Head

from .budget import ScoreBudget
from .run_rows import RunRows, finite


def decode_regression(head: Head, run: RunRows, _: Parameters, __: ScoreBudget) -> list[Prediction]:
    """Return each row's value."""
    values: list[float] = finite(run.outputs, head.kind)[:, 0].tolist()
    return [RegressionPrediction(value=value) for value in values]
