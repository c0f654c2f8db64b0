"""Adapters that the `adapters` library 1.3.0 wrote, with what it computed: the goldens' BERT cases.

A small reader of that library's format, for what its methods and classification heads can say. The
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
    Bottleneck,
    Head,
    HeadLayer,
    Ia3,
    Invertible,
    Lora,
    Module,
    Projection,
    Site,
)
from multitap_adapters.tokenizer import TokenizedRow
from safetensors_files import load_tensors
from tiny_model import identity_of

_ACTIVATIONS: Mapping[str, Activation] = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "leakyrelu": "leaky_relu",
    "relu": "relu",
    "swish": "silu",
    "tanh": "tanh",
}
_RESIDUALS: Mapping[bool | str, str] = {True: "sub_layer", "post_add": "sum", False: "input"}
_PLACES: Mapping[Site, str] = {"attention": "attention.output", "ffn": "output"}
_PROJECTIONS: Mapping[Projection, str] = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "ffn_up": "intermediate.dense",
    "ffn_down": "output.dense",
}
_PARTS = {
    "down": "adapter_down.0",
    "up": "adapter_up",
    "norm_before": "adapter_norm_before",
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
    inv_adapter: str | None
    inv_adapter_reduction_factor: float | None


class _LoraSettings(TypedDict):
    attn_matrices: list[str]
    intermediate_lora: bool
    output_lora: bool
    composition_mode: str
    r: int
    alpha: float
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
        self.weights = load_tensors(folder / "base.safetensors")
        self.encoder = Encoder(self.config, self.weights)
        inputs = load_tensors(folder / "inputs.safetensors")
        lengths = [int(mask.sum()) for mask in inputs["attention_mask"]]
        self.rows = [
            TokenizedRow(
                [int(token) for token in inputs["input_ids"][row, :length]],
                [int(kind) for kind in inputs["token_type_ids"][row, :length]],
                length,
            )
            for row, length in enumerate(lengths)
        ]

    def case(self, name: str) -> GoldenCase:
        """Read one case; raise ValueError where the file holds more than was understood."""
        folder = self._folder / name
        stored = _dense(_tensors(folder, "adapter")) | _tensors(folder, "model_head")
        modules = _modules(_settings(folder / "adapter_config.json"), self.config)
        head, keys = self._head(_settings(folder / "head_config.json"), stored)
        spec = AdapterSpec(
            backbone=identity_of(self.config), modules=modules, max_tokens=48, head=head
        )
        shapes = tensor_shapes(spec)
        keys |= {place: _key(modules, place) for place in shapes if place not in keys}
        unread = stored.keys() - set(keys.values())
        if unread:
            raise ValueError(f"{folder} holds {sorted(unread)!r}, which were not read")
        tensors = {
            place: TensorData.from_numpy(
                (stored | self.weights)[key].reshape(shapes[place]).numpy()
            )
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


def _tensors(folder: Path, name: str) -> dict[str, Tensor]:
    """Read `NAME.safetensors`, or `pytorch_NAME.bin` where the library wrote that."""
    old = folder / f"pytorch_{name}.bin"
    if not old.exists():
        return load_tensors(folder / f"{name}.safetensors")
    stored = cast("dict[str, Tensor]", torch.load(old, weights_only=True))
    # With a norm before `down`, the norm is there twice and the layer has moved behind it.
    moved = {key.rsplit(".1.", 1)[0] for key in stored if ".adapter_down.1." in key}
    return {
        key.replace(".adapter_down.1.", ".adapter_down.0."): tensor
        for key, tensor in stored.items()
        if not (".adapter_down.0." in key and key.rsplit(".0.", 1)[0] in moved)
    }


def _dense(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a Compacter's parts as linear layers: `y = x H + b`, H a sum of Kronecker products."""
    dense: dict[str, Tensor] = {}
    rules = [tensor for key, tensor in stored.items() if key.endswith(".phm_rule")]
    for key, tensor in stored.items():
        if key.endswith(".W_left"):
            part = key.removesuffix(".W_left")
            factors = torch.bmm(tensor, stored[f"{part}.W_right"])
            inputs_outputs = sum(
                (torch.kron(rule, factor) for rule, factor in zip(*rules, factors, strict=True)),
                torch.zeros(()),
            )
            dense[f"{part}.weight"] = inputs_outputs.T.contiguous()
            dense[f"{part}.bias"] = stored[f"{part}.b"]
    return dense or dict(stored)


def _modules(settings: Mapping[str, object], config: BackboneConfig) -> tuple[Module, ...]:
    if settings.get("architecture") == "lora":
        return (_lora(cast("_LoraSettings", settings)),)
    module = _bottleneck(settings, config)
    adapter = cast("_AdapterSettings", settings)
    if adapter["inv_adapter"] is None:
        return (module,)
    size = int(config.embedding_size // 2 // (adapter["inv_adapter_reduction_factor"] or 2))
    return (Invertible(size=size, activation=module.activation), module)


def _lora(settings: _LoraSettings) -> Lora | Ia3:
    letters = {"q": "query", "k": "key", "v": "value"}
    names = [letters[letter] for letter in settings["attn_matrices"]]
    names += ["ffn_up"] * settings["intermediate_lora"] + ["ffn_down"] * settings["output_lora"]
    places = cast("tuple[Projection, ...]", tuple(names))
    leave_out = tuple(settings["leave_out"])
    if settings["composition_mode"] == "scale":
        return Ia3(outputs=places, leave_out=leave_out)
    return Lora(projections=places, r=settings["r"], alpha=settings["alpha"], leave_out=leave_out)


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


def _key(modules: tuple[Module, ...], name: str) -> str:
    """Return the library's name for one of our modules' tensors."""
    _, index, _, *place = name.split(".")
    module = modules[int(index)]
    if isinstance(module, Invertible):
        function, part, tensor = place
        step = 0 if part == "down" else 2
        return f"bert.invertible_adapters.task.{function.upper()}.{step}.{tensor}"
    layer, site, *tensors = place
    if isinstance(module, Lora | Ia3):
        there = _PROJECTIONS[cast("Projection", site)]
        part = "lora_A" if tensors == ["a"] else "lora_B"
        return f"bert.encoder.layer.{layer}.{there}.loras.task.{part}"
    part = ".".join((_PARTS.get(tensors[0], tensors[0]), *tensors[1:]))
    there = _PLACES[cast("Site", site)]
    return f"bert.encoder.layer.{layer}.{there}.adapters.task.{part}"


def _is_head_weight(key: str) -> bool:
    return key.startswith("heads.") and key.endswith(".weight")
