"""Batches of rows of similar length, in an order that a seed decides.

Rows are shuffled, sorted by length within large pools, cut into batches, and the batches are
shuffled: little attention work differs inside a batch, and batches still mix the data. A batch is
in length order, so packing needs no reordering.
"""

from collections.abc import Iterator, Sequence

import torch

_POOL_BATCHES = 50


def shuffled_batches(
    lengths: Sequence[int], batch_size: int, generator: torch.Generator
) -> list[list[int]]:
    """Return every row's index once, in batches of `batch_size` rows of similar length."""
    order = [int(i) for i in torch.randperm(len(lengths), generator=generator)]
    pool_size = batch_size * _POOL_BATCHES
    batches: list[list[int]] = []
    for start in range(0, len(order), pool_size):
        pool = sorted(order[start : start + pool_size], key=lengths.__getitem__)
        batches.extend(_cut(pool, batch_size))
    return [batches[int(i)] for i in torch.randperm(len(batches), generator=generator)]


def ordered_batches(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Return every row's index once, in batches by length."""
    return list(_cut(sorted(range(len(lengths)), key=lengths.__getitem__), batch_size))


def _cut(rows: list[int], batch_size: int) -> Iterator[list[int]]:
    for start in range(0, len(rows), batch_size):
        yield rows[start : start + batch_size]
