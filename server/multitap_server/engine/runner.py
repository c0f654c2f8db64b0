"""Tokens in, head outputs out: one forward pass over rows of any mix of adapters.

The only place that touches the device; holds no queues. Shape suffixes: T tokens, H hidden,
O outputs, R rows of one adapter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch

from multitap_adapters.adapter import Adapter
from multitap_adapters.backbone import Backbone
from multitap_adapters.buckets import bucket
from multitap_adapters.encoder import BareTaps
from multitap_adapters.mixing import Segment, mix
from multitap_adapters.packing import pack_rows

from .contract import EncodedRow, Output

_WARM_UP_TOKENS = 128


@dataclass(frozen=True, slots=True)
class RunnableRow:
    """A row and the adapter that it goes through."""

    adapter: Adapter
    encoded: EncodedRow


class Runner:
    """Runs batches on one backbone."""

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone

    def run(self, rows: Sequence[RunnableRow]) -> list[Output]:
        """Return every row's output, in the order of the rows; `[O]` or `[tokens, O]` each.

        Rows of one adapter become adjacent first, in length order, which is what makes a site of
        the encoder a few large products.
        """
        order = sorted(
            range(len(rows)), key=lambda i: (id(rows[i].adapter), len(rows[i].encoded.token_ids))
        )
        packed = pack_rows(
            [rows[i].encoded.token_ids for i in order],
            [rows[i].encoded.type_ids for i in order],
        )
        groups = [list(group) for _, group in groupby(order, key=lambda i: id(rows[i].adapter))]
        lengths = [[len(rows[i].encoded.token_ids) for i in group] for group in groups]
        segments = [
            Segment(rows[group[0]].adapter, sum(sizes))
            for group, sizes in zip(groups, lengths, strict=True)
        ]
        outputs: list[Output | None] = [None] * len(rows)
        with torch.inference_mode():
            hidden_TH = self._backbone.encoder.forward(packed, mix(segments, filler=packed.filler))
            parts = torch.split(hidden_TH, [segment.tokens for segment in segments])
            for group, sizes, part_TH in zip(groups, lengths, parts, strict=True):
                for i, output in zip(group, _head(rows[group[0]], part_TH, sizes), strict=True):
                    outputs[i] = output
        return [output for output in outputs if output is not None]

    def warm_up(self) -> None:
        """Run the bare backbone at every size of a short text, so that no answer waits for kernels.

        Larger batches compile theirs when they first come, which their own time hides.
        """
        token = [0]
        with torch.inference_mode():
            for tokens in sorted({bucket(n) for n in range(1, _WARM_UP_TOKENS + 1)}):
                rows = [token] * tokens
                packed = pack_rows(rows, rows)
                self._backbone.encoder.forward(packed, BareTaps())


def _head(row: RunnableRow, hidden_TH: torch.Tensor, lengths: list[int]) -> list[Output]:
    head = row.adapter.head
    result = head(hidden_TH, lengths)
    if head.head.input == "tokens":
        return [part.numpy() for part in torch.split(result, lengths)]
    return list(result.numpy())
