"""Heads as both libraries build them: a pooler of the backbone or none, then linear layers.

The layouts are those of `adapters` 1.3.0, `heads/base.py` and `head_utils.py`, and of the
`transformers` classes that `peft` wraps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError
from torch import Tensor

from multitap_adapters.spec import Activation, Head, HeadKind, HeadLayer

from .errors import FolderRefused, first_fault
from .labels import choose_labels
from .parts import HeadChoice, HeadPart
from .stored import StoredTensors
from .target import Pooler, Target

MAX_LAYERS = 7  # a specification has room for eight, one of which may be the pooler
FAMILIES_WITH_POOLER = frozenset({"bert", "camembert", "roberta", "xlm-roberta"})


@dataclass(frozen=True, slots=True)
class HeadLayout:
    """Where a head's layers are stored, what they do, and over what.

    `activations` are those of all layers but the last one, which has none.
    """

    kind: HeadKind
    input: Literal["cls", "tokens"]
    keys: tuple[str, ...]
    activations: tuple[Activation, ...]
    pooler: bool = False
    last_bias: bool = True


_ROBERTA = ("classifier.dense", "classifier.out_proj")
_SEQUENCE_HEADS: dict[str, tuple[tuple[str, ...], tuple[Activation, ...], bool]] = {
    "bert": (("classifier",), (), True),
    "roberta": (_ROBERTA, ("tanh",), False),
    "xlm-roberta": (_ROBERTA, ("tanh",), False),
    "camembert": (_ROBERTA, ("tanh",), False),
    "electra": (_ROBERTA, ("gelu",), False),
    "distilbert": (("pre_classifier", "classifier"), ("relu",), False),
}


def static_layout(model_type: str, kind: HeadKind) -> HeadLayout:
    """Return the layout of a `transformers` model for sequences, tokens or questions."""
    if kind == "tagging":
        return HeadLayout(kind, "tokens", ("classifier",), ())
    if kind == "question_answering":
        return HeadLayout(kind, "tokens", ("qa_outputs",), ())
    keys, activations, pooler = _SEQUENCE_HEADS[model_type]
    return HeadLayout(kind, "cls", keys, activations, pooler=pooler)


def read_head(
    layout: HeadLayout,
    labels: Sequence[str] | None,
    choice: HeadChoice,
    target: Target,
    stored: StoredTensors,
    pooler: Pooler | None = None,
) -> HeadPart:
    """Take a head's tensors; `pooler` is the one to use in place of the backbone's.

    Raises:
        FolderRefused: tensors are missing or mis-shaped, labels are missing or too many, or a
            pooler that the head needs is nowhere.
    """
    hidden = target.identity.hidden_size
    last = layout.keys[-1]
    if f"{last}.weight" not in stored:
        raise FolderRefused(f"{stored.path} lacks '{last}.weight'")
    outputs = stored.shape(f"{last}.weight")[0] if stored.shape(f"{last}.weight") else 0
    outs = [hidden] * (len(layout.keys) - 1) + [outputs]
    tensors: dict[str, Tensor] = {}
    layers: list[HeadLayer] = []
    if layout.pooler:
        weight, bias = target.read_pooler() if pooler is None else pooler
        layers.append(HeadLayer(out=hidden, activation="tanh"))
        tensors |= {"0.weight": weight, "0.bias": bias}
    for key, out, activation in zip(layout.keys, outs, (*layout.activations, "none"), strict=True):
        index, bias_there = len(layers), layout.last_bias or key != last
        tensors[f"{index}.weight"] = stored.take_one(f"{key}.weight", (out, hidden))
        if bias_there:
            tensors[f"{index}.bias"] = stored.take_one(f"{key}.bias", (out,))
        layers.append(_layer(out, activation, bias=bias_there))
    return HeadPart(_head(layout, tuple(layers), outputs, labels, choice), tensors)


def _layer(out: int, activation: Activation, *, bias: bool) -> HeadLayer:
    try:
        return HeadLayer(out=out, bias=bias, activation=activation)
    except ValidationError as error:
        raise FolderRefused(f"the head cannot be expressed: {first_fault(error)}") from None


def _head(
    layout: HeadLayout,
    layers: tuple[HeadLayer, ...],
    outputs: int,
    labels: Sequence[str] | None,
    choice: HeadChoice,
) -> Head:
    kind = layout.kind
    if choice.multilabel:
        if kind not in ("classification", "multilabel"):
            raise FolderRefused(f"a {kind} head cannot be read as multilabel")
        kind = "multilabel"
    elif kind == "classification" and outputs == 1:
        kind = "regression"  # both libraries train one output with the squared error
    try:
        return Head(
            kind=kind,
            labels=choose_labels(kind, outputs, labels, choice.labels),
            input=layout.input,
            layers=layers,
        )
    except ValidationError as error:
        raise FolderRefused(f"the head cannot be expressed: {first_fault(error)}") from None
