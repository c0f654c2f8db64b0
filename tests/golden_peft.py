"""Adapters that `peft` 0.21.2 wrote, with the logits that it computed: the goldens' BERT cases.

A small reader of that library's format; base and rows are those of golden_adapters.py.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

from torch import Tensor

from golden_adapters import Goldens
from multitap_adapters.spec import (
    AdapterSpec,
    Head,
    HeadLayer,
    Ia3,
    LayerNorms,
    Lora,
    LoraOverride,
    Module,
    Projection,
    Site,
)
from safetensors_files import load_tensors
from tiny_model import identity_of

_PREFIX = "base_model.model."
_PROJECTIONS: Mapping[str, Projection] = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "attention_output",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
}
_SITES: Mapping[str, Site] = {"attention.output": "attention", "output": "ffn"}
_TENSORS = {"lora_A.weight": "a", "lora_B.weight": "b", "base_layer.bias": "bias"}
_TOKEN = "TOKEN_CLS"  # noqa: S105  (a kind of task)


class _Settings(TypedDict):
    peft_type: str
    task_type: str
    r: int
    lora_alpha: float
    alpha_pattern: dict[str, float]
    use_rslora: bool
    bias: str


@dataclass(frozen=True)
class PeftCase:
    """One adapter: its specification and tensors, and the library's logits.

    `head` is the case's own head; that of a token classification stands beside a specification
    that looks at the first token.
    """

    spec: AdapterSpec
    tensors: dict[str, Tensor]
    head: Head
    logits: list[Tensor]


def peft_case(goldens: Goldens, folder: Path) -> PeftCase:
    """Read one case; raise ValueError where the file holds more than was understood."""
    settings = cast("_Settings", json.loads((folder / "adapter_config.json").read_text()))
    stored = {
        key.removeprefix(_PREFIX): tensor
        for key, tensor in load_tensors(folder / "adapter_model.safetensors").items()
    }
    logits = load_tensors(folder / "expected.safetensors")["logits"]
    tokens = settings["task_type"] == _TOKEN
    tensors = _head_tensors(goldens, stored, pooled=not tokens)
    read = {"classifier.weight", "classifier.bias"}
    for key, tensor in stored.items():
        place = _place(key)
        if place is not None:
            read.add(key)
            flat = place.endswith("_scale")
            tensors[f"modules.0.{place}"] = tensor.flatten() if flat else tensor
    if stored.keys() - read:
        raise ValueError(f"{folder} holds {sorted(stored.keys() - read)!r}, which were not read")
    layers = _head_layers(goldens, logits.shape[-1], pooled=not tokens)
    labels = tuple(f"LABEL_{index}" for index in range(logits.shape[-1]))
    head = Head(kind="classification", labels=labels, input="cls", layers=layers)
    spec = AdapterSpec(
        backbone=identity_of(goldens.config),
        modules=(_module(settings, tensors, goldens.config.num_layers),),
        max_tokens=48,
        head=head,
    )
    if not tokens:
        return PeftCase(spec, tensors, head, list(logits))
    rows = [logits[index, : row.tokens] for index, row in enumerate(goldens.rows)]
    tagging = Head(kind="tagging", labels=labels, input="tokens", layers=layers)
    return PeftCase(spec, tensors, tagging, rows)


def _place(key: str) -> str | None:
    """Return our name for a stored tensor, without the module."""
    norm = re.fullmatch(
        r"bert\.(embeddings|encoder\.layer\.(\d+)\.(.+))\.LayerNorm\.ln_tuning_layers\.(\w+)", key
    )
    if norm and norm[2] is None:
        return f"embeddings.{norm[4]}"
    if norm:
        return f"layers.{norm[2]}.{_SITES[norm[3]]}.{norm[4]}"
    found = re.fullmatch(
        r"bert\.encoder\.layer\.(\d+)\.(.+)\.(lora_[AB]\.weight|base_layer\.bias|ia3_l)", key
    )
    if not found:
        return None
    projection = _PROJECTIONS[found[2]]
    if found[3] != "ia3_l":
        return f"layers.{found[1]}.{projection}.{_TENSORS[found[3]]}"
    scale = "input_scale" if projection in ("attention_output", "ffn_down") else "output_scale"
    return f"layers.{found[1]}.{projection}.{scale}"


def _module(settings: _Settings, tensors: Mapping[str, Tensor], num_layers: int) -> Module:
    if settings["peft_type"] == "LN_TUNING":
        return LayerNorms()
    places = [name.split(".")[3:] for name in tensors if name.startswith("modules.0.layers.")]
    if settings["peft_type"] == "IA3":
        return Ia3(outputs=_having("output_scale", places), inputs=_having("input_scale", places))
    layers = {int(place[0]) for place in places}
    projections = _having("a", places)
    return Lora(
        projections=projections,
        r=settings["r"],
        alpha=settings["lora_alpha"],
        rslora=settings["use_rslora"],
        bias=settings["bias"] == "lora_only",
        leave_out=tuple(sorted(set(range(num_layers)) - layers)),
        overrides=tuple(
            LoraOverride(
                layer=layer,
                projection=projection,
                r=tensors[f"modules.0.layers.{layer}.{projection}.a"].shape[0],
                alpha=_alpha(settings, layer, projection),
            )
            for layer in sorted(layers)
            for projection in projections
        ),
    )


def _having(tensor: str, places: Sequence[Sequence[str]]) -> tuple[Projection, ...]:
    """Return the projections that have this tensor, in order."""
    found = dict.fromkeys(projection for _, projection, last in places if last == tensor)
    return cast("tuple[Projection, ...]", tuple(found))


def _alpha(settings: _Settings, layer: int, projection: Projection) -> float:
    """Return alpha at one place: that of the first pattern that matches the module's name's end."""
    part = {ours: theirs for theirs, ours in _PROJECTIONS.items()}[projection]
    name = f"bert.encoder.layer.{layer}.{part}"
    for pattern, alpha in settings["alpha_pattern"].items():
        if re.match(rf"(.*\.)?({pattern})$", name):
            return float(alpha)
    return float(settings["lora_alpha"])


def _head_layers(goldens: Goldens, outputs: int, *, pooled: bool) -> tuple[HeadLayer, ...]:
    """Return a classifier, behind the backbone's own pooler where the library's model has one."""
    pooler = HeadLayer(out=goldens.config.hidden_size, activation="tanh")
    return (pooler, HeadLayer(out=outputs)) if pooled else (HeadLayer(out=outputs),)


def _head_tensors(
    goldens: Goldens, stored: Mapping[str, Tensor], *, pooled: bool
) -> dict[str, Tensor]:
    last = 1 if pooled else 0
    tensors = {f"head.{last}.{n}": stored[f"classifier.{n}"] for n in ("weight", "bias")}
    if pooled:
        tensors |= {f"head.0.{n}": goldens.weights[f"pooler.dense.{n}"] for n in ("weight", "bias")}
    return tensors
