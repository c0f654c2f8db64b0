"""Tensors as plain numbers: torch leaves `tolist` without types."""

from typing import cast

from torch import Tensor


def values(tensor: Tensor) -> list[int]:
    """Return a vector of integers as a list."""
    return cast("list[int]", tensor.tolist())  # pyright: ignore[reportUnknownMemberType]
