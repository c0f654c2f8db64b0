"""One forward pass over rows of several adapters, as an engine makes it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from multitap_adapters.encoder import Encoder, Taps
from multitap_adapters.mixing import Segment, mix
from multitap_adapters.packing import pack_rows
from multitap_adapters.tokenizer import TokenizedRow

Part = tuple[Taps, Sequence[TokenizedRow]]


def run_mix(encoder: Encoder, parts: Sequence[Part]) -> list[list[Tensor]]:
    """Return each part's rows' last hidden states `[tokens, H]`; a part's rows share their taps."""
    rows = [row for _, part in parts for row in part]
    packed = pack_rows([row.token_ids for row in rows], [row.type_ids for row in rows])
    segments = [Segment(taps, sum(len(row.token_ids) for row in part)) for taps, part in parts]
    with torch.inference_mode():
        hidden_TH = encoder.forward(packed, mix(segments, filler=packed.filler))
    hidden = iter(torch.split(hidden_TH, list(packed.lengths)))
    return [[next(hidden) for _ in part] for _, part in parts]


def run_alone(encoder: Encoder, taps: Taps, row: TokenizedRow) -> Tensor:
    """Return one row's last hidden states `[tokens, H]`, run by itself."""
    return run_mix(encoder, [(taps, [row])])[0][0]
