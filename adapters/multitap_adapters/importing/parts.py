"""What one folder gives: modules and a head, each with its tensors."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from multitap_adapters.spec import Head, Module


@dataclass(frozen=True, slots=True)
class ModulePart:
    """One entry of a specification's modules, with its tensors by place."""

    module: Module
    tensors: Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class HeadPart:
    """A head, with its tensors by `<i>.weight` and `<i>.bias`."""

    head: Head
    tensors: Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class HeadChoice:
    """What a folder's head should become.

    `labels` replace the folder's own; `name` picks one of several heads; `multilabel` reads a
    classification head as one yes or no for each label; without `wanted` there is no head.
    """

    labels: tuple[str, ...] | None = None
    name: str | None = None
    multilabel: bool = False
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class FolderParts:
    """A folder's modules, its head if it has one, and facts for the card."""

    modules: tuple[ModulePart, ...]
    head: HeadPart | None
    name: str | None
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
