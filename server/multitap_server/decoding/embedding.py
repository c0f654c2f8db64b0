"""A vector: the head's output as it is, or scaled to length one.

Shapes: R rows, E the embedding's size.
"""

from typing import Final

import numpy as np

from multitap.predictions import EmbeddingPrediction, Prediction
from multitap.wire import Parameters
from multitap_adapters.spec import Head

from .budget import ScoreBudget
from .run_rows import Floats, RunRows, finite

# torch.nn.functional.normalize has the same bound; a vector of zeros stays one.
_SHORTEST: Final = 1e-12


def decode_embedding(
    head: Head, run: RunRows, parameters: Parameters, _: ScoreBudget
) -> list[Prediction]:
    """Return each row's vector; `normalize` goes before what the head says."""
    vectors_RE = finite(run.outputs, head.kind)
    if head.normalize if parameters.normalize is None else parameters.normalize:
        vectors_RE = scale_to_one(vectors_RE)
    return [EmbeddingPrediction(embedding=vector) for vector in vectors_RE.tolist()]


def scale_to_one(vectors_RE: Floats) -> Floats:
    """Return the vectors divided by their lengths."""
    lengths_R1 = np.sqrt(np.square(vectors_RE).sum(axis=1, keepdims=True))
    scaled_RE: Floats = vectors_RE / np.maximum(lengths_R1, _SHORTEST)
    return scaled_RE
