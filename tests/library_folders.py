"""Folders as the `adapters` library and `peft` write them, from random tensors, by hand.

They are for the tiny BERT of `tiny_backbone`: 32 hidden values, 64 inner ones, 2 layers. A test
changes the settings or the tensors, and then writes them.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from safetensors_files import load_tensors, save_tensors

HIDDEN, INNER, LAYERS = 32, 64, 2
Shape = tuple[int, ...]
Tensors = dict[str, Tensor]

PFEIFFER: Mapping[str, object] = {
    "mh_adapter": False,
    "output_adapter": True,
    "original_ln_before": True,
    "original_ln_after": True,
    "residual_before_ln": True,
    "adapter_residual_before_ln": False,
    "ln_before": False,
    "ln_after": False,
    "non_linearity": "relu",
    "reduction_factor": 8,
    "leave_out": [],
}
HEAD: Mapping[str, object] = {
    "head_type": "classification",
    "num_labels": 2,
    "layers": 2,
    "activation_function": "tanh",
    "label2id": {"no": 0, "yes": 1},
    "use_pooler": False,
    "bias": True,
}
LORA: Mapping[str, object] = {
    "peft_type": "LORA",
    "task_type": "SEQ_CLS",
    "base_model_name_or_path": "somebody/tiny-bert",
    "peft_version": "0.21.2",
    "r": 4,
    "lora_alpha": 8,
    "bias": "none",
    "target_modules": ["query", "value"],
    "modules_to_save": ["classifier"],
    "rank_pattern": {},
    "alpha_pattern": {},
    "init_lora_weights": True,
}


def random_tensors(shapes: Mapping[str, Shape], seed: int = 0) -> Tensors:
    """Return a random tensor for each name."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.normal(0, 0.2, s, generator=generator) for name, s in shapes.items()}


def linear(name: str, inputs: int, outputs: int) -> dict[str, Shape]:
    """Return the shapes of a linear layer's weight and bias."""
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def bottleneck_tensors(
    *,
    size: int = 4,
    sites: Iterable[str] = ("output",),
    name: str = "task",
    prefix: str = "bert.",
    layers: Iterable[int] = range(LAYERS),
    kind: str = "adapters",
) -> Tensors:
    """Return an adapter's tensors; a site is `output` or `attention.output`."""
    shapes: dict[str, Shape] = {}
    for layer in layers:
        for site in sites:
            base = f"{prefix}encoder.layer.{layer}.{site}.{kind}.{name}"
            shapes |= linear(f"{base}.adapter_down.0", HIDDEN, size)
            shapes |= linear(f"{base}.adapter_up", size, HIDDEN)
    return random_tensors(shapes)


def head_tensors(name: str = "task", labels: int = 2) -> Tensors:
    """Return the tensors of a head of two layers with an activation between them."""
    first, last = f"heads.{name}.1", f"heads.{name}.4"
    return random_tensors(linear(first, HIDDEN, HIDDEN) | linear(last, HIDDEN, labels), seed=1)


def write_hub(
    folder: Path,
    config: Mapping[str, object] = PFEIFFER,
    tensors: Mapping[str, Tensor] | None = None,
    *,
    head: Mapping[str, object] | None = None,
    head_values: Mapping[str, Tensor] | None = None,
    **top: object,
) -> Path:
    """Write a folder of the `adapters` library, without a head unless one is given."""
    shared: dict[str, object] = {
        "model_type": "bert",
        "model_name": "somebody/tiny-bert",
        "model_class": "BertAdapterModel",
        "hidden_size": HIDDEN,
        "name": "task",
        "version": "adapters.1.3.0",
    } | top
    kept = {name: value for name, value in shared.items() if value is not None}
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "adapter_config.json", {**kept, "config": dict(config)})
    save_tensors(
        folder / "adapter.safetensors", bottleneck_tensors() if tensors is None else tensors
    )
    if head is not None:
        write_json(folder / "head_config.json", {**kept, "config": dict(head)})
        values = head_tensors() if head_values is None else head_values
        save_tensors(folder / "model_head.safetensors", values)
    return folder


def lora_tensors(
    modules: Iterable[str] = ("attention.self.query", "attention.self.value"),
    *,
    r: int = 4,
    prefix: str = "bert.",
    layers: Iterable[int] = range(LAYERS),
    classifier: Mapping[str, Shape] | None = None,
) -> Tensors:
    """Return a `peft` adapter's tensors: LoRA of these modules of a layer, and a classifier."""
    shapes: dict[str, Shape] = {}
    for layer in layers:
        for module in modules:
            base = f"base_model.model.{prefix}encoder.layer.{layer}.{module}"
            shapes[f"{base}.lora_A.weight"] = (r, INNER if module == "output.dense" else HIDDEN)
            outputs = INNER if module == "intermediate.dense" else HIDDEN
            shapes[f"{base}.lora_B.weight"] = (outputs, r)
    head = linear("classifier", HIDDEN, 3) if classifier is None else classifier
    shapes |= {f"base_model.model.{name}": shape for name, shape in head.items()}
    return random_tensors(shapes)


def write_peft(
    folder: Path,
    config: Mapping[str, object] = LORA,
    tensors: Mapping[str, Tensor] | None = None,
) -> Path:
    """Write a folder of `peft`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "adapter_config.json", config)
    save_tensors(
        folder / "adapter_model.safetensors", lora_tensors() if tensors is None else tensors
    )
    return folder


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write a configuration."""
    path.write_text(json.dumps(document), encoding="utf-8")


def to_bin(folder: Path) -> Path:
    """Turn every weights file of a folder into one of torch's own format."""
    names = {
        "adapter.safetensors": "pytorch_adapter.bin",
        "model_head.safetensors": "pytorch_model_head.bin",
        "adapter_model.safetensors": "adapter_model.bin",
    }
    for safe, old in names.items():
        if (folder / safe).exists():
            torch.save(load_tensors(folder / safe), folder / old)
            (folder / safe).unlink()
    return folder
