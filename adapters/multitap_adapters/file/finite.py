"""Counting the values of a tensor that are not numbers, without making a float of any of them."""

from typing import Final

import numpy as np

from .tensor import DType, TensorData

# IEEE 754: an exponent of all ones is an infinity or a NaN.
_EXPONENT: Final[dict[DType, int]] = {"F32": 0x7F80_0000, "F16": 0x7C00, "BF16": 0x7F80}
_CHUNK = 1 << 20


def count_not_finite(tensor: TensorData) -> int:
    """Return how many values are NaN or infinite; needs a few megabytes, whatever the size."""
    bits = np.frombuffer(tensor.data, dtype="<u4" if tensor.dtype == "F32" else "<u2")
    mask = bits.dtype.type(_EXPONENT[tensor.dtype])
    return sum(
        int(np.count_nonzero((bits[start : start + _CHUNK] & mask) == mask))
        for start in range(0, bits.size, _CHUNK)
    )
