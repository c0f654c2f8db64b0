"""From a folder of another library, or a stack of two, to an adapter file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor

from multitap_adapters.file import AdapterFileError, TensorData, serialize_adapter
from multitap_adapters.file.tensor import DType
from multitap_adapters.spec import TASK_PATTERN, AdapterSpec, Card, Head, Invertible

from .adapterhub import read_adapterhub
from .errors import FolderRefused, first_fault
from .folder import detect_library, find_adapter_folder
from .parts import FolderParts, HeadChoice, HeadPart, ModulePart
from .peft import read_peft
from .target import Target

_DTYPES: Mapping[torch.dtype, DType] = {
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
}
_MAX_FACT = 4_000
_MAX_NAME = 63  # of a task
# What an adapter without a head is good for: the mean of its hidden states.
_EMBEDDING = HeadPart(Head(kind="embedding", input="mean"), {})


@dataclass(frozen=True, slots=True)
class ImportedAdapter:
    """A file's bytes, and what they say."""

    data: bytes
    spec: AdapterSpec


def import_folder(
    folder: Path,
    target: Target,
    *,
    head: HeadChoice | None = None,
    language: Path | None = None,
    task: str | None = None,
) -> ImportedAdapter:
    """Read a folder of `adapters` or `peft` into an adapter file for this backbone.

    `language` is a folder whose modules come first, below those of `folder`. `task` is the task's
    name on the card; by default it follows from the adapter's own name.

    Raises:
        FolderRefused: a folder cannot be imported faithfully; the message says why.
        OSError: a file cannot be read.
    """
    parts = read_folder(folder, target, head or HeadChoice())
    modules = parts.modules
    if language is not None:
        below = read_folder(language, target, HeadChoice(wanted=False))
        _require_stackable(below, parts)
        modules = (*below.modules, *modules)
    chosen = parts.head or _EMBEDDING
    if parts.head is None and head is not None and (head.labels or head.multilabel):
        raise FolderRefused(f"{folder} has no head that labels could belong to")
    try:
        spec = AdapterSpec(
            backbone=target.identity,
            modules=tuple(part.module for part in modules),
            max_tokens=target.max_tokens,
            head=chosen.head,
            card=_card(parts, task),
        )
        data = serialize_adapter(spec, _tensors(modules, chosen))
    except ValidationError as error:
        raise FolderRefused(f"the adapter cannot be expressed: {first_fault(error)}") from None
    except AdapterFileError as error:
        raise FolderRefused(f"the adapter cannot be written: {error}") from None
    return ImportedAdapter(data, spec)


def read_folder(folder: Path, target: Target, choice: HeadChoice) -> FolderParts:
    """Read the modules and the head of a folder, or of its one sub-folder with an adapter."""
    found = find_adapter_folder(folder)
    read = read_peft if detect_library(found) == "peft" else read_adapterhub
    return read(found, target, choice)


def _require_stackable(below: FolderParts, above: FolderParts) -> None:
    if any(isinstance(part.module, Invertible) for part in above.modules):
        where = "the embeddings" if below.modules else "nothing"
        raise FolderRefused(
            f"the adapter on top is invertible at {where}, "
            "and the library's own stack runs the lowest adapter's only"
        )


def _tensors(modules: tuple[ModulePart, ...], head: HeadPart) -> dict[str, TensorData]:
    named = {
        f"modules.{index}.{place}": tensor
        for index, part in enumerate(modules)
        for place, tensor in part.tensors.items()
    }
    named |= {f"head.{place}": tensor for place, tensor in head.tensors.items()}
    return {name: tensor_data(tensor) for name, tensor in named.items()}


def tensor_data(tensor: Tensor) -> TensorData:
    """Return a tensor's values as a file holds them, in the type that it has."""
    raw = tensor.detach().contiguous().view(torch.uint8).reshape(-1).numpy().tobytes()
    return TensorData(_DTYPES[tensor.dtype], tuple(tensor.shape), raw)


def _card(parts: FolderParts, task: str | None) -> Card:
    facts = dict(parts.facts)
    if parts.name is not None:
        facts["source_name"] = parts.name
    return Card(
        task=task_name(parts.name) if task is None else task,
        extra={name: text[:_MAX_FACT] for name, text in facts.items()},
    )


def task_name(name: str | None) -> str | None:
    """Return what an adapter's name gives as a task's name, None where nothing is left."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", (name or "").lower())[:_MAX_NAME].strip("._-")
    return plain if re.fullmatch(TASK_PATTERN, plain) else None
