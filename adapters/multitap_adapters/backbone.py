"""A frozen backbone in memory: its encoder, its tokenizer and its identity."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from .config import BackboneConfig, parse_config
from .digest import digest_bytes, digest_tensors
from .encoder import Encoder
from .errors import UnsupportedBackbone, WrongBackbone
from .family import Family
from .file import canonical_json
from .linear import FrozenLinear, LinearFactory
from .spec import BackboneIdentity
from .tokenizer import Tokenizer

_DTYPE_NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
# Checkpoints converted from TensorFlow call a layer norm's weight gamma and its bias beta.
_OLD_NORM_NAMES = {"gamma": "weight", "beta": "bias"}


@dataclass(frozen=True, slots=True)
class Backbone:
    """A frozen transformer, its tokenizer, and the digests that adapters name."""

    identity: BackboneIdentity
    config: BackboneConfig
    encoder: Encoder
    tokenizer: Tokenizer


def read_backbone(folder: Path, *, linear: LinearFactory = FrozenLinear) -> Backbone:
    """Read a model folder with config.json, tokenizer.json and safetensors weights.

    `linear` makes the encoder's layers: frozen ones serve, GradientLinear trains adapters.

    Raises:
        UnsupportedBackbone: the folder is incomplete, or its model cannot be run.
    """
    config = parse_config(_read_json(folder / "config.json"))
    tokenizer = Tokenizer.read(folder)
    weights = read_weights(folder, config)
    identity = identify(config, weights, tokenizer)
    float_weights = {name: tensor.float() for name, tensor in weights.items()}
    return Backbone(identity, config, Encoder(config, float_weights, linear), tokenizer)


def identify(
    config: BackboneConfig, weights: Mapping[str, Tensor], tokenizer: Tokenizer
) -> BackboneIdentity:
    """Compute the three digests and the sizes that an adapter names."""
    framed = (
        (name, _DTYPE_NAMES[tensor.dtype], tuple(tensor.shape), _raw(tensor))
        for name, tensor in weights.items()
    )
    return BackboneIdentity(
        model_type=config.family.model_type,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        embedding_size=config.embedding_size,
        num_layers=config.num_layers,
        digest=digest_tensors(framed),
        config_digest=digest_bytes(canonical_json(config.digested())),
        tokenizer_digest=tokenizer.digest,
    )


def require_same_backbone(wanted: BackboneIdentity, present: BackboneIdentity) -> None:
    """Raise WrongBackbone where an adapter's backbone is not this one; tokenizers may differ."""
    for field in ("model_type", "hidden_size", "num_layers", "digest", "config_digest"):
        found, expected = getattr(wanted, field), getattr(present, field)
        if found != expected:
            raise WrongBackbone(field, expected=expected, found=found)


def read_weights(folder: Path, config: BackboneConfig) -> dict[str, Tensor]:
    """Read the encoder's tensors, and no others, under their names without prefix."""
    wanted = set(config.family.tensor_names(config.num_layers))
    weights: dict[str, Tensor] = {}
    with ExitStack() as files:
        for path in _weight_files(folder):
            file = files.enter_context(safe_open(path, framework="pt"))
            for stored in file.keys():  # noqa: SIM118  not a mapping
                name = _plain_name(stored, config.family)
                if name in wanted:
                    weights[name] = file.get_tensor(stored)
    missing = sorted(wanted - weights.keys())
    if missing:
        raise UnsupportedBackbone(f"{folder} lacks {len(missing)} tensors, {missing[0]!r} first")
    odd = [name for name, tensor in weights.items() if tensor.dtype not in _DTYPE_NAMES]
    if odd:
        raise UnsupportedBackbone(f"{odd[0]!r} has dtype {weights[odd[0]].dtype}")
    return weights


def _weight_files(folder: Path) -> Iterator[Path]:
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.exists():
        yield whole
    elif index.exists():
        names = {str(name) for name in _read_json(index)["weight_map"].values()}
        yield from (folder / Path(name).name for name in sorted(names))
    else:
        raise UnsupportedBackbone(f"{folder} has no model.safetensors")


def _plain_name(stored: str, family: Family) -> str:
    base, _, last = stored.removeprefix(family.prefix).rpartition(".")
    return f"{base}.{_OLD_NORM_NAMES.get(last, last)}"


def _raw(tensor: Tensor) -> memoryview:
    return memoryview(tensor.contiguous().view(torch.uint8).reshape(-1).numpy())


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UnsupportedBackbone(f"{path.parent} has no {path.name}") from None
    except ValueError as error:
        raise UnsupportedBackbone(f"{path} is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise UnsupportedBackbone(f"{path} holds no JSON object")
    return document
