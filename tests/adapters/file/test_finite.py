"""Counting values that are not finite, across the chunks in which they are counted."""

import tracemalloc

import numpy as np
import pytest

from multitap_adapters.file import TensorData
from multitap_adapters.file.finite import count_not_finite


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_the_last_value_counts_whatever_the_size(size: int) -> None:
    values = np.zeros(size, dtype=np.float16)
    values[-1:] = np.nan
    assert count_not_finite(TensorData.from_numpy(values)) == min(size, 1)


def test_every_half_precision_pattern_is_judged_as_numpy_judges_it() -> None:
    patterns = np.arange(1 << 16, dtype=np.uint16)
    expected = np.count_nonzero(~np.isfinite(patterns.view(np.float16)))
    assert count_not_finite(TensorData("F16", (1 << 16,), patterns.tobytes())) == expected


def test_counting_needs_little_memory() -> None:
    tensor = TensorData("F32", (1 << 24,), bytes(1 << 26))
    tracemalloc.start()
    assert count_not_finite(tensor) == 0
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < 1 << 23
