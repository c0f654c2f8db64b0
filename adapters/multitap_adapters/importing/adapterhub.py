"""Folders of the `adapters` library and its predecessor, adapter-transformers (AdapterHub)."""

from collections.abc import Mapping
from pathlib import Path

from .bottlenecks import read_bottleneck
from .errors import FolderRefused
from .hub_heads import find_head_folder, read_hub_head
from .hub_lora import read_hub_ia3, read_hub_lora
from .invertible import read_invertible
from .parts import FolderParts, HeadChoice, ModulePart
from .settings import Settings, read_settings
from .stored import StoredTensors
from .target import Target
from .weights import find_weights, read_weights_file

CONFIG = "adapter_config.json"
SAFE_WEIGHTS = "adapter.safetensors"
OLD_WEIGHTS = "pytorch_adapter.bin"

_REFUSED_FILES = {
    "adapter_fusion_config.json": "AdapterFusion weighs several adapters by attention, "
    "which is not supported",
    "embedding.pt": "it replaces the backbone's embeddings, which all tasks share",
}
_REFUSED_ARCHITECTURES = {
    "mtl_lora": "one LoRA for several tasks",
    "prefix_tuning": "prefixes of keys and values",
    "prompt_tuning": "trained tokens before the text",
    "reft": "interventions on hidden states",
    "union": "several methods in one adapter",
}
_OLD_NAMES = {
    "attention_text_task_adapters": "adapters",
    "attention_text_lang_adapters": "adapters",
    "layer_text_task_adapters": "adapters",
    "layer_text_lang_adapters": "adapters",
    "invertible_lang_adapters": "invertible_adapters",
}
_MAX_NAME = 200


def read_adapterhub(folder: Path, target: Target, choice: HeadChoice) -> FolderParts:
    """Read a folder that `save_adapter` wrote, and its head if it is there.

    Raises:
        FolderRefused: it cannot be served faithfully, or its tensors are not as it says.
    """
    for file, reason in _REFUSED_FILES.items():
        if (folder / file).exists():
            raise FolderRefused(f"{folder} has {file}: {reason}")
    settings = read_settings(folder / CONFIG)
    _require_backbone(settings, target)
    name = _name(settings)
    path = find_weights(folder, SAFE_WEIGHTS, OLD_WEIGHTS)
    if path is None:
        raise FolderRefused(f"{folder} has neither {SAFE_WEIGHTS} nor {OLD_WEIGHTS}")
    stored = _stored(path, target)
    modules = _modules(settings, name, target, stored)
    stored.require_all_taken()
    head_folder = find_head_folder(folder, choice) if choice.wanted else None
    head = None if head_folder is None else read_hub_head(head_folder, target, choice)
    return FolderParts(modules, head, name, _facts(settings))


def _modules(
    settings: Settings, name: str, target: Target, stored: StoredTensors
) -> tuple[ModulePart, ...]:
    inner = settings.inner("config")
    if inner is None:
        raise FolderRefused(f"{settings.at} has no config")
    architecture = inner.text("architecture")
    if architecture in _REFUSED_ARCHITECTURES:
        raise FolderRefused(
            f"architecture {architecture!r} ({_REFUSED_ARCHITECTURES[architecture]}) "
            "is not supported"
        )
    if architecture == "lora":
        return (_lora(inner, name, settings, target, stored),)
    if architecture is not None:
        raise FolderRefused(f"architecture {architecture!r} in {settings.at} is unknown")
    old = settings.text("version") is None
    optional = settings.text("type") == "text_task"
    invertible = read_invertible(inner, name, target, stored, old=old, optional=optional)
    bottleneck = read_bottleneck(inner, name, target, stored, old=old)
    modules = tuple(part for part in (invertible, bottleneck) if part is not None)
    if not modules:
        raise FolderRefused(f"{settings.at} describes an adapter without any module")
    return modules


def _lora(
    inner: Settings, name: str, settings: Settings, target: Target, stored: StoredTensors
) -> ModulePart:
    version = settings.text("version") or ""
    mode = inner.text("composition_mode") or "add"
    if mode not in ("add", "scale"):
        raise FolderRefused(f"composition_mode {mode!r} in {inner.at} is unknown")
    read = read_hub_lora if mode == "add" else read_hub_ia3
    return read(inner, name, version, target, stored)


def _require_backbone(settings: Settings, target: Target) -> None:
    expected = {
        "model_type": target.identity.model_type,
        "hidden_size": target.identity.hidden_size,
    }
    for field, value in expected.items():
        if field in settings and settings.value(field) != value:
            raise FolderRefused(
                f"the adapter is for {field} {settings.value(field)!r}, the backbone has {value!r}"
            )


def _name(settings: Settings) -> str:
    """Return the adapter's name, which is a part of its tensors' names: torch allows no dot."""
    name = settings.text("name")
    if not name or "." in name or len(name) > _MAX_NAME or not name.isprintable():
        raise FolderRefused(f"{settings.at} has name {name!r}, which no adapter can have")
    return name


def _stored(path: Path, target: Target) -> StoredTensors:
    """Return the tensors under today's names, without the base model's prefix."""
    stored = StoredTensors(read_weights_file(path), path)
    stored.require_layers(target.identity.num_layers)

    def today(key: str) -> str:
        parts = key.removeprefix(target.family.prefix).split(".")
        return ".".join(_OLD_NAMES.get(part, part) for part in parts)

    return stored.rename(today)


def _facts(settings: Settings) -> Mapping[str, str]:
    facts = {
        "source_library": "adapters",
        "source_version": settings.text("version"),
        "base_model": settings.text("model_name"),
    }
    return {name: text for name, text in facts.items() if text}
