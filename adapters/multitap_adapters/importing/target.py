"""The backbone that a folder is imported for: its identity, and the weights that old heads used."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from torch import Tensor

from multitap_adapters.backbone import identify, read_tensors, read_weights
from multitap_adapters.config import parse_config
from multitap_adapters.errors import UnsupportedBackbone
from multitap_adapters.family import Family
from multitap_adapters.spec import BackboneIdentity
from multitap_adapters.tokenizer import Tokenizer

from .errors import FolderRefused
from .settings import read_settings

MAX_TOKENS = 512  # what the libraries' examples train with, where the backbone allows as much
POOLER = "pooler.dense"

Pooler: TypeAlias = tuple[Tensor, Tensor]
"""Weight `[H, H]` and bias `[H]` of the layer over the first token that ends in a tanh."""


@dataclass(frozen=True, slots=True)
class Target:
    """A backbone as an import sees it; `weights` are the encoder's, without prefix."""

    identity: BackboneIdentity
    family: Family
    max_tokens: int
    weights: Mapping[str, Tensor]
    read_pooler: Callable[[], Pooler]


def read_target(folder: Path) -> Target:
    """Read a model folder; its pooler is read when somebody asks for it.

    Raises:
        UnsupportedBackbone: the folder is incomplete, or its model cannot be run.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise UnsupportedBackbone(f"{folder} has no config.json")
    settings = read_settings(path)
    config = parse_config({name: settings.value(name) for name in settings.names()})
    weights = read_weights(folder, config)

    def read_pooler() -> Pooler:
        hidden = config.hidden_size
        shapes = {f"{POOLER}.weight": (hidden, hidden), f"{POOLER}.bias": (hidden,)}
        try:
            found = read_tensors(folder, config.family, shapes)
        except UnsupportedBackbone as error:
            raise FolderRefused(
                f"the head needs the backbone's pooler, and {error}: where it was random and not "
                "saved, the head cannot be used"
            ) from None
        return found[f"{POOLER}.weight"], found[f"{POOLER}.bias"]

    return Target(
        identity=identify(config, weights, Tokenizer.read(folder)),
        family=config.family,
        max_tokens=min(MAX_TOKENS, config.max_tokens),
        weights=weights,
        read_pooler=read_pooler,
    )
