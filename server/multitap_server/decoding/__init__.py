"""From a head's outputs to predictions: one module per kind, all arithmetic in float64."""

from .budget import ScoreBudget
from .run_rows import RunRows
from .table import DECODERS, decode, decoding_cost

__all__ = ["DECODERS", "RunRows", "ScoreBudget", "decode", "decoding_cost"]
