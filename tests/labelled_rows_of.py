"""Labelled rows of given targets, for tests that measure and do not run."""

from collections.abc import Sequence

from torch import Tensor

from multitap_training.labelled_rows import LabelledRows


def rows_of(targets: Sequence[Tensor]) -> LabelledRows:
    """Return a row of one token for each target."""
    return LabelledRows([[1]] * len(targets), [[0]] * len(targets), targets)
