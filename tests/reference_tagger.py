"""Entities as the token classification of `transformers` finds them, each word by its first token.

`transformers` takes seconds to import: only the test of parity imports this module.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from transformers import (
    BertForTokenClassification,
    PreTrainedTokenizerFast,
    TokenClassificationPipeline,
)

from tiny_backbone import tiny_tokenizer


def reference_entities(
    folder: Path, labels: Sequence[str], head: Mapping[str, Tensor], text: str
) -> list[tuple[str, float, int, int]]:
    """Return the label, score, start and end of every entity; `head` is the last layer's."""
    load = cast(
        "Callable[..., BertForTokenClassification]",
        BertForTokenClassification.from_pretrained,  # pyright: ignore[reportUnknownMemberType] (partly untyped)
    )
    names = dict(enumerate(labels))
    model = load(folder, id2label=names, num_labels=len(labels), local_files_only=True)
    with torch.no_grad():
        model.classifier.weight.copy_(head["head.0.weight"])
        model.classifier.bias.copy_(head["head.0.bias"])
    build = cast("Callable[..., object]", PreTrainedTokenizerFast)  # untyped
    tokenizer = build(
        tokenizer_object=tiny_tokenizer(),
        unk_token="[UNK]",  # noqa: S106  a piece
        cls_token="[CLS]",  # noqa: S106
        sep_token="[SEP]",  # noqa: S106
        pad_token="[PAD]",  # noqa: S106
    )
    pipeline = cast("Callable[..., Callable[[str], object]]", TokenClassificationPipeline)
    find = pipeline(model=model, tokenizer=tokenizer, aggregation_strategy="first")
    found = cast("list[dict[str, Any]]", find(text))
    return [(e["entity_group"], float(e["score"]), int(e["start"]), int(e["end"])) for e in found]
