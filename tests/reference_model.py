"""Hidden states as `transformers` computes them, the reference for our encoder.

`transformers` takes seconds to import: only the tests of parity import this module.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor
from transformers import BertModel

from multitap_adapters.tokenizer import TokenizedRow


def reference_model(folder: Path) -> BertModel:
    """Return a folder's model in evaluation mode; every tensor of it must be there."""
    load = cast(
        "Callable[..., tuple[BertModel, Mapping[str, object]]]",
        BertModel.from_pretrained,  # pyright: ignore[reportUnknownMemberType] (partly untyped)
    )
    model, found = load(
        folder, attn_implementation="eager", local_files_only=True, output_loading_info=True
    )
    if found["missing_keys"] or found["unexpected_keys"] or found["mismatched_keys"]:
        raise ValueError(f"{folder} is not a whole BertModel: {found}")
    return model


def states_alone(model: BertModel, rows: Sequence[TokenizedRow]) -> list[Tensor]:
    """Return each row's last hidden states `[tokens, H]`, run by itself without padding."""
    return [states_padded(model, [row])[0] for row in rows]


def states_padded(model: BertModel, rows: Sequence[TokenizedRow]) -> list[Tensor]:
    """Return each row's last hidden states `[tokens, H]`, run in one padded batch."""
    longest = max(len(row.token_ids) for row in rows)
    ids, types, mask = (torch.zeros(len(rows), longest, dtype=torch.long) for _ in range(3))
    for index, row in enumerate(rows):
        length = len(row.token_ids)
        ids[index, :length] = torch.tensor(row.token_ids)
        types[index, :length] = torch.tensor(row.type_ids)
        mask[index, :length] = 1
    with torch.no_grad():
        output = model(input_ids=ids, token_type_ids=types, attention_mask=mask)
    states_RLH = output.last_hidden_state
    return [states_RLH[index, : len(row.token_ids)] for index, row in enumerate(rows)]
