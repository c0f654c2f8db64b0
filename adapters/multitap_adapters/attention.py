"""Self-attention over packed rows: each row attends to itself, whatever its neighbours.

Shape suffixes: T tokens, H hidden, R rows of one length, L that length, N heads, D head size.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .packing import LengthGroup, PackedRows


def attend(qkv_T3H: Tensor, rows: PackedRows, num_heads: int) -> Tensor:
    """Return `softmax(Q K^T / sqrt(D)) V` of every row, `[T, H]`, in the packed order."""
    if rows.length_order_T is not None:
        qkv_T3H = qkv_T3H.index_select(0, rows.length_order_T)
    sizes = [group.rows * group.length for group in rows.groups]
    parts = [
        _attend_group(part_T3H, group, num_heads)
        for part_T3H, group in zip(torch.split(qkv_T3H, sizes), rows.groups, strict=True)
    ]
    context_TH = parts[0] if len(parts) == 1 else torch.cat(parts)
    if rows.packed_order_T is not None:
        context_TH = context_TH.index_select(0, rows.packed_order_T)
    return context_TH


def _attend_group(qkv_T3H: Tensor, group: LengthGroup, num_heads: int) -> Tensor:
    qkv_3RNLD = qkv_T3H.view(group.rows, group.length, 3, num_heads, -1).permute(2, 0, 3, 1, 4)
    query_RNLD, key_RNLD, value_RNLD = qkv_3RNLD.unbind(0)
    if group.length == 1:
        # The softmax over one key is 1.
        return value_RNLD.reshape(group.rows, -1)
    context_RNLD = F.scaled_dot_product_attention(query_RNLD, key_RNLD, value_RNLD)
    return context_RNLD.transpose(1, 2).reshape(group.rows * group.length, -1)
