"""Hidden states as `transformers` computes them, the reference for our encoder.

`transformers` takes seconds to import: only the tests of parity import this module.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

import torch
from torch import Tensor
from transformers import AutoModel, PreTrainedModel

from multitap_adapters.tokenizer import TokenizedRow


class _Output(Protocol):
    last_hidden_state: Tensor


def reference_model(folder: Path) -> PreTrainedModel:
    """Return a folder's model in evaluation mode; every tensor of it must be there."""
    load = cast(
        "Callable[..., tuple[PreTrainedModel, Mapping[str, object]]]",
        AutoModel.from_pretrained,  # pyright: ignore[reportUnknownMemberType] (partly untyped)
    )
    model, found = load(
        folder, attn_implementation="eager", local_files_only=True, output_loading_info=True
    )
    if found["missing_keys"] or found["unexpected_keys"] or found["mismatched_keys"]:
        raise ValueError(f"{folder} is not a whole {type(model).__name__}: {found}")
    return model


def states_alone(model: PreTrainedModel, rows: Sequence[TokenizedRow]) -> list[Tensor]:
    """Return each row's last hidden states `[tokens, H]`, run by itself without padding."""
    return [states_padded(model, [row])[0] for row in rows]


def states_padded(model: PreTrainedModel, rows: Sequence[TokenizedRow]) -> list[Tensor]:
    """Return each row's last hidden states `[tokens, H]`, run in one padded batch.

    Types go to models that know several, as the tokenizers of `transformers` do it.
    """
    longest = max(len(row.token_ids) for row in rows)
    ids, types, mask = (torch.zeros(len(rows), longest, dtype=torch.long) for _ in range(3))
    ids += cast("int", model.config.pad_token_id)
    for index, row in enumerate(rows):
        length = len(row.token_ids)
        ids[index, :length] = torch.tensor(row.token_ids)
        types[index, :length] = torch.tensor(row.type_ids)
        mask[index, :length] = 1
    several = cast("int", getattr(model.config, "type_vocab_size", 0)) > 1
    run = cast("Callable[..., _Output]", model)
    with torch.no_grad():
        output = run(
            input_ids=ids, attention_mask=mask, **({"token_type_ids": types} if several else {})
        )
    states_RLH = output.last_hidden_state
    return [states_RLH[index, : len(row.token_ids)] for index, row in enumerate(rows)]
