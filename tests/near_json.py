"""JSON answers that are the same but for rounding."""

from collections.abc import Mapping, Sequence
from typing import cast

import pytest


def assert_same_json(found: object, expected: object, *, tolerance: float = 1e-5) -> None:
    """Compare two documents: numbers to an absolute plus relative tolerance, all else exactly."""
    if isinstance(expected, float):
        assert found == pytest.approx(expected, rel=tolerance, abs=tolerance)
    elif isinstance(expected, dict):
        ours = cast("Mapping[str, object]", found)
        theirs = cast("Mapping[str, object]", expected)
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            assert_same_json(ours[name], value, tolerance=tolerance)
    elif isinstance(expected, list):
        assert isinstance(found, list)
        values = cast("Sequence[object]", expected)
        assert len(cast("Sequence[object]", found)) == len(values)
        for one, other in zip(cast("Sequence[object]", found), values, strict=True):
            assert_same_json(one, other, tolerance=tolerance)
    else:
        assert found == expected
