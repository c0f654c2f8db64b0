"""Adapters that the `adapters` library 1.3.0 wrote, with what it computed: the goldens' cases.

A small reader of that library's format, for what bottlenecks and classification heads can say. The
folder is not part of the repository; its README says how it is laid out.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

import torch
from torch import Tensor

from multitap_adapters.config import BackboneConfig, parse_config
from multitap_adapters.encoder import Encoder
from multitap_adapters.file import (
    AdapterFile,
    TensorData,
    parse_adapter,
    serialize_adapter,
    tensor_shapes,
)
from multitap_adapters.spec import (
    Activation,
    AdapterSpec,
    BackboneIdentity,
    Bottleneck,
    Head,
    HeadLayer,
    Site,
)
from multitap_adapters.tokenizer import TokenizedRow
from safetensors_files import load_tensors

_ACTIVATIONS: Mapping[str, Activation] = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "leakyrelu": "leaky_relu",
    "relu": "relu",
    "swish": "silu",
    "tanh": "tanh",
}
_RESIDUALS: Mapping[bool | str, str] = {True: "sub_layer", "post_add": "sum", False: "input"}
_DIGEST = "sha256:" + "0" * 64
_LAYERS = {
    "bert": "bert.encoder.layer",
    "roberta": "roberta.encoder.layer",
    "distilbert": "distilbert.transformer.layer",
}
_PLACES: Mapping[Site, str] = {"attention": "attention.output", "ffn": "output"}
_DISTILBERT_PLACES: Mapping[Site, str] = {
    "attention": "attention_adapters",
    "ffn": "output_adapters",
}
_PARTS = {
    "down": "adapter_down.0",
    "up": "adapter_up",
    "norm_after": "adapter_norm_after",
}


class _AdapterSettings(TypedDict):
    mh_adapter: bool
    output_adapter: bool
    is_parallel: bool
    reduction_factor: float | dict[str, float]
    non_linearity: str
    scaling: float | str
    original_ln_before: bool
    original_ln_after: bool
    residual_before_ln: bool | str
    ln_before: bool
    ln_after: bool
    adapter_residual_before_ln: bool
    leave_out: list[int]


class _HeadSettings(TypedDict):
    num_labels: int
    activation_function: str | None
    label2id: dict[str, int]
    use_pooler: bool


@dataclass(frozen=True)
class GoldenCase:
    """One adapter, and what the library computed for every row, padding cut off."""

    file: AdapterFile
    hidden: list[Tensor]
    logits: Tensor


class Goldens:
    """The cases of one family, all on the same backbone and the same rows."""

    def __init__(self, folder: Path) -> None:
        """Read the backbone and the rows."""
        self._folder = folder
        document = cast("dict[str, object]", json.loads((folder / "config.json").read_text()))
        self.config = parse_config(document)
        self._weights = load_tensors(folder / "base.safetensors")
        self.encoder = Encoder(self.config, self._weights)
        inputs = load_tensors(folder / "inputs.safetensors")
        types = inputs.get("token_type_ids", torch.zeros_like(inputs["input_ids"]))
        lengths = [int(mask.sum()) for mask in inputs["attention_mask"]]
        self.rows = [
            TokenizedRow(
                [int(token) for token in inputs["input_ids"][row, :length]],
                [int(kind) for kind in types[row, :length]],
                length,
            )
            for row, length in enumerate(lengths)
        ]

    def case(self, name: str) -> GoldenCase:
        """Read one case; raise ValueError where the file holds more than was understood."""
        folder = self._folder / name
        stored = {
            **load_tensors(folder / "adapter.safetensors"),
            **load_tensors(folder / "model_head.safetensors"),
        }
        module = _bottleneck(_settings(folder / "adapter_config.json"), self.config)
        head, keys = self._head(_settings(folder / "head_config.json"), stored)
        spec = AdapterSpec(
            backbone=_identity(self.config), modules=(module,), max_tokens=48, head=head
        )
        family = self.config.family.model_type
        keys |= {place: _key(family, place) for place in tensor_shapes(spec) if place not in keys}
        unread = stored.keys() - set(keys.values())
        if unread:
            raise ValueError(f"{folder} holds {sorted(unread)!r}, which were not read")
        tensors = {
            place: TensorData.from_numpy((stored | self._weights)[key].numpy())
            for place, key in keys.items()
        }
        expected = load_tensors(folder / "expected.safetensors")
        hidden = [
            expected["last_hidden_state"][index, : row.tokens]
            for index, row in enumerate(self.rows)
        ]
        file = parse_adapter(serialize_adapter(spec, tensors))
        return GoldenCase(file, hidden, expected["logits"])

    def _head(
        self, settings: Mapping[str, object], stored: Mapping[str, Tensor]
    ) -> tuple[Head, dict[str, str]]:
        """Return a classification head, and where its tensors are stored."""
        head = cast("_HeadSettings", settings)
        parts = sorted(
            (key.removesuffix(".weight") for key in stored if _is_head_weight(key)),
            key=lambda part: int(part.rsplit(".", 1)[1]),
        )
        activation = _ACTIVATIONS.get(head["activation_function"] or "", "none")
        layers = [
            HeadLayer(out=stored[f"{part}.weight"].shape[0], activation=activation)
            for part in parts
        ]
        layers[-1] = layers[-1].model_copy(update={"activation": "none"})
        if head["use_pooler"]:
            parts.insert(0, "pooler.dense")
            layers.insert(0, HeadLayer(out=self.config.hidden_size, activation="tanh"))
        keys = {
            f"head.{index}.{tensor}": f"{part}.{tensor}"
            for index, part in enumerate(parts)
            for tensor in ("weight", "bias")
        }
        labels = sorted(head["label2id"], key=head["label2id"].__getitem__)
        return (
            Head(kind="classification", labels=tuple(labels), input="cls", layers=tuple(layers)),
            keys,
        )


def _settings(path: Path) -> Mapping[str, object]:
    return cast("dict[str, dict[str, object]]", json.loads(path.read_text()))["config"]


def _bottleneck(settings: Mapping[str, object], config: BackboneConfig) -> Bottleneck:
    adapter = cast("_AdapterSettings", settings)
    sites: list[Site] = []
    if adapter["mh_adapter"]:
        sites.append("attention")
    if adapter["output_adapter"]:
        sites.append("ffn")
    return Bottleneck.model_validate(
        {
            "method": "bottleneck",
            "sites": tuple(sites),
            "arrangement": "parallel" if adapter["is_parallel"] else "sequential",
            "size": tuple(_sizes(adapter["reduction_factor"], config)),
            "activation": _ACTIVATIONS[adapter["non_linearity"]],
            "scaling": adapter["scaling"],
            "norm_before": adapter["original_ln_before"],
            "norm_after": adapter["original_ln_after"],
            "residual": _RESIDUALS[adapter["residual_before_ln"]],
            "new_norm_before": adapter["ln_before"],
            "new_norm_after": adapter["ln_after"],
            "residual_before_new_norm": adapter["adapter_residual_before_ln"],
            "leave_out": tuple(adapter["leave_out"]),
        }
    )


def _sizes(factor: float | dict[str, float], config: BackboneConfig) -> Iterator[int]:
    for layer in range(config.num_layers):
        here = factor.get(str(layer), factor["default"]) if isinstance(factor, dict) else factor
        yield max(int(config.hidden_size // here), 1)


def _key(family: str, name: str) -> str:
    """Return the library's name for `modules.0.layers.<n>.<site>.<tensor>`."""
    _, _, _, layer, site, *tensor = name.split(".")
    places = _DISTILBERT_PLACES if family == "distilbert" else _PLACES
    place = places[cast("Site", site)]
    part = ".".join((_PARTS.get(tensor[0], tensor[0]), *tensor[1:]))
    return f"{_LAYERS[family]}.{layer}.{place}.adapters.task.{part}"


def _is_head_weight(key: str) -> bool:
    return key.startswith("heads.") and key.endswith(".weight")


def _identity(config: BackboneConfig) -> BackboneIdentity:
    return BackboneIdentity(
        model_type=config.family.model_type,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        embedding_size=config.embedding_size,
        num_layers=config.num_layers,
        digest=_DIGEST,
        config_digest=_DIGEST,
        tokenizer_digest=_DIGEST,
    )
