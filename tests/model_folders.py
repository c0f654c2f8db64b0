"""Ways to change a model folder, broken ones included."""

import json
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from safetensors_files import load_tensors, save_tensors

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"

Weights = dict[str, Tensor]


def change_weights(folder: Path, change: Callable[[Weights], object]) -> None:
    """Let a function change the weights in place."""
    weights = load_tensors(folder / WEIGHTS)
    change(weights)
    save_tensors(folder / WEIGHTS, weights)


def change_config(folder: Path, **changes: object) -> None:
    """Set fields of config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def rename_weights(folder: Path, rename: Callable[[str], str]) -> None:
    """Give every tensor another name, and turn their order around."""
    weights = load_tensors(folder / WEIGHTS)
    save_tensors(folder / WEIGHTS, {rename(name): weights[name] for name in reversed(weights)})


def shard_weights(folder: Path) -> None:
    """Spread the weights over two files with an index, as large models are stored."""
    weights = load_tensors(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    names = sorted(weights)
    parts = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    for file, part in parts.items():
        save_tensors(folder / file, {name: weights[name] for name in part})
    places = {name: file for file, part in parts.items() for name in part}
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": places}))
