"""A frozen backbone in memory: its encoder, its tokenizer and its identity."""

import json
from collections.abc import Container, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from .config import BackboneConfig, Shape, parse_config
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


class _TensorFile(AbstractContextManager["_TensorFile"], Protocol):
    """What an open safetensors file can do; the library leaves it without types."""

    def keys(self) -> list[str]: ...

    def get_tensor(self, name: str) -> Tensor: ...


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
    if tokenizer.num_ids > config.vocab_size:
        raise UnsupportedBackbone(
            f"{folder} has a tokenizer with {tokenizer.num_ids} ids and {config.vocab_size} "
            "embeddings of words"
        )
    _require_types(tokenizer, config, folder)
    weights = read_weights(folder, config)
    identity = identify(config, weights, tokenizer)
    float_weights = {name: tensor.float() for name, tensor in weights.items()}
    return Backbone(identity, config, Encoder(config, float_weights, linear), tokenizer)


def identify(
    config: BackboneConfig, weights: Mapping[str, Tensor], tokenizer: Tokenizer
) -> BackboneIdentity:
    """Compute the three digests and the sizes that an adapter names.

    The weights are as stored: their dtype is part of the digest.
    """
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
    for field in BackboneIdentity.model_fields:
        if field == "tokenizer_digest":
            continue
        found, expected = getattr(wanted, field), getattr(present, field)
        if found != expected:
            raise WrongBackbone(field, expected=expected, found=found)


def read_weights(folder: Path, config: BackboneConfig) -> dict[str, Tensor]:
    """Read the encoder's tensors, and no others, under their names without prefix.

    Raises:
        UnsupportedBackbone: a file or tensor is missing, broken, or not as the config says.
    """
    return read_tensors(folder, config.family, config.tensor_shapes())


def read_tensors(folder: Path, family: Family, shapes: Mapping[str, Shape]) -> dict[str, Tensor]:
    """Read these tensors of a model folder, and no others; see `read_weights`."""
    weights: dict[str, Tensor] = {}
    for path in _weight_files(folder):
        for stored, tensor in _read_tensors(path, family, shapes.keys()):
            name = _plain_name(stored, family)
            if name in weights:
                raise UnsupportedBackbone(f"{path} holds {name!r} twice, once as {stored!r}")
            weights[name] = tensor
    missing = sorted(shapes.keys() - weights.keys())
    if missing:
        raise UnsupportedBackbone(f"{folder} lacks {len(missing)} tensors, {missing[0]!r} first")
    for name, shape in shapes.items():
        tensor = weights[name]
        if tensor.dtype not in _DTYPE_NAMES:
            raise UnsupportedBackbone(f"{name!r} has dtype {tensor.dtype}")
        if tensor.shape != shape:
            raise UnsupportedBackbone(
                f"{name!r} has shape {list(tensor.shape)}, expected {list(shape)}"
            )
    return weights


def _require_types(tokenizer: Tokenizer, config: BackboneConfig, folder: Path) -> None:
    (pair,) = tokenizer.tokenize([("a", "a")], max_tokens=config.max_tokens)
    types = 1 + max(pair.type_ids, default=0)
    if 1 < config.num_types < types:
        raise UnsupportedBackbone(
            f"{folder} has a tokenizer with {types} types of tokens and {config.num_types} "
            "embeddings of types"
        )


def _weight_files(folder: Path) -> Iterator[Path]:
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.exists():
        yield whole
        return
    if not index.exists():
        raise UnsupportedBackbone(f"{folder} has no model.safetensors")
    places = _read_json(index).get("weight_map")
    if not isinstance(places, dict):
        raise UnsupportedBackbone(f"{index} has no weight_map")
    names = {str(name) for name in cast("dict[str, object]", places).values()}
    yield from (folder / Path(name).name for name in sorted(names))


def _read_tensors(path: Path, family: Family, wanted: Container[str]) -> list[tuple[str, Tensor]]:
    """Return a file's wanted tensors under the names that they are stored under."""
    try:
        with cast("_TensorFile", safe_open(path, framework="pt")) as file:
            names = [name for name in file.keys() if _plain_name(name, family) in wanted]  # noqa: SIM118  (not a mapping)
            return [(name, file.get_tensor(name)) for name in names]
    except FileNotFoundError:
        raise UnsupportedBackbone(f"{path.parent} has no {path.name}") from None
    except SafetensorError as error:
        raise UnsupportedBackbone(f"{path} is no safetensors file: {error}") from None


def _plain_name(stored: str, family: Family) -> str:
    base, _, last = stored.removeprefix(family.prefix).rpartition(".")
    return f"{base}.{_OLD_NORM_NAMES.get(last, last)}"


def _raw(tensor: Tensor) -> memoryview:
    return tensor.contiguous().view(torch.uint8).reshape(-1).numpy().data


def _read_json(path: Path) -> Mapping[str, object]:
    try:
        document: object = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UnsupportedBackbone(f"{path.parent} has no {path.name}") from None
    except ValueError as error:
        raise UnsupportedBackbone(f"{path} is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise UnsupportedBackbone(f"{path} holds no JSON object")
    return cast("dict[str, object]", document)
